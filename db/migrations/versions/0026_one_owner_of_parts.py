"""A part belongs to its task alone, as far as the database checks.

A roadmap's parts named their roadmap and their concept by foreign keys, too, and PostgreSQL looked
for both each time that a part was made: a fourteenth of all that it did for a roadmap. Roadmaps and
concepts end with their task only, and so do its parts.
"""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# before any work, in the order in which workers write: a deadlock with one of them costs nothing
_LOCK = "LOCK TABLE roadmaps, concepts, parts IN ACCESS EXCLUSIVE MODE"
_FORMER = (
    ("fk_parts_roadmap_id_roadmaps", "roadmaps", "roadmap_id"),
    ("fk_parts_concept_id_concepts", "concepts", "concept_id"),
)


def upgrade() -> None:
    """Look for a part's task only."""
    op.execute(_LOCK)
    for name, _, _ in _FORMER:
        op.drop_constraint(name, "parts", type_="foreignkey")


def downgrade() -> None:
    """Look for its roadmap and its concept again."""
    op.execute(_LOCK)
    for name, table, column in _FORMER:
        op.create_foreign_key(name, "parts", table, [column], [column], ondelete="CASCADE")
