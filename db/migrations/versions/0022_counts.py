"""Tasks are counted by status, workflow and version from an index, without their rows."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_NAME = "ix_roadmap_tasks_status"


def upgrade() -> None:
    """Make the index by status hold what is counted."""
    op.drop_index(_NAME, table_name="roadmap_tasks")
    op.create_index(_NAME, "roadmap_tasks", ["status", "workflow", "workflow_version"])


def downgrade() -> None:
    """Leave the status alone in it."""
    op.drop_index(_NAME, table_name="roadmap_tasks")
    op.create_index(_NAME, "roadmap_tasks", ["status"])
