"""The line of waiting tasks is found by indexes, however many wait for a time or a human."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_CLAIMABLE = "status IN ('pending', 'processing')"


def upgrade() -> None:
    """Make an index for each thing that a claim counts."""
    op.drop_index("ix_roadmap_tasks_claimable", table_name="roadmap_tasks")
    op.create_index(
        "ix_roadmap_tasks_claimable",
        "roadmap_tasks",
        [sa.text("rung_at NULLS FIRST")],
        postgresql_where=sa.text(f"{_CLAIMABLE} AND deferred_at IS NULL"),
    )
    op.create_index(
        "ix_roadmap_tasks_line",
        "roadmap_tasks",
        ["user_id", sa.text("(deferred_at IS NOT NULL)"), "created_at", "task_id"],
        postgresql_where=sa.text("status = 'pending' AND starts_at IS NULL"),
    )
    op.create_index(
        "ix_roadmap_tasks_timed",
        "roadmap_tasks",
        ["starts_at"],
        postgresql_where=sa.text("status = 'pending' AND starts_at IS NOT NULL"),
    )
    op.create_index(
        "ix_roadmap_tasks_active",
        "roadmap_tasks",
        ["user_id"],
        postgresql_where=sa.text("status IN ('processing', 'human_review_pending')"),
    )


def downgrade() -> None:
    """Count all of them again."""
    for name in ("active", "timed", "line", "claimable"):
        op.drop_index(f"ix_roadmap_tasks_{name}", table_name="roadmap_tasks")
    op.create_index(
        "ix_roadmap_tasks_claimable",
        "roadmap_tasks",
        ["rung_at"],
        postgresql_where=sa.text(_CLAIMABLE),
    )
