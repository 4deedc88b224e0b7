"""A part that begins, or ends well, changes no column that an index looks at.

PostgreSQL then writes the new version of the row beside the old one and leaves all six indexes
alone, if the page has room. A failed part is told by its error, which only failed ones have.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_KEY = ["task_id", "step", "key", "kind"]


def upgrade() -> None:
    """Find failed parts by their error, and leave room in the pages."""
    op.create_index("ix_parts_error", "parts", _KEY, postgresql_where=sa.text("error IS NOT NULL"))
    op.drop_index("ix_parts_failed", table_name="parts")
    op.execute("ALTER TABLE parts SET (fillfactor = 50)")
    op.execute("ALTER TABLE roadmap_tasks SET (fillfactor = 70)")


def downgrade() -> None:
    """Find them by their status again."""
    op.execute("ALTER TABLE roadmap_tasks RESET (fillfactor)")
    op.execute("ALTER TABLE parts RESET (fillfactor)")
    op.create_index("ix_parts_failed", "parts", _KEY, postgresql_where=sa.text("status = 'failed'"))
    op.drop_index("ix_parts_error", table_name="parts")
