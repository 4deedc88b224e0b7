"""Tasks that wait are found by the indexes of the line alone.

An index by status, of which a planner that has not yet seen a burst expects one row, looked as
good as these, and each user's line was looked for among all tasks that wait.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_TABLE = "roadmap_tasks"
_STATUS = "ix_roadmap_tasks_status"
_COUNTED = ["status", "workflow", "workflow_version"]
_WAITING = ("ix_roadmap_tasks_waiting", ["user_id", "created_at", "task_id"], "status = 'pending'")
_ACTIVE = (
    "ix_roadmap_tasks_active",
    ["user_id"],
    "status IN ('processing', 'human_review_pending')",
)
_OTHERS = "status IN ('processing', 'completed', 'partial_failure', 'failed', 'cancelled')"


def upgrade() -> None:
    """Leave those who wait for a worker or a human out of the index by status.

    The indexes in which they stand hold what is counted of them.
    """
    op.drop_index(_STATUS, table_name=_TABLE)
    op.create_index(_STATUS, _TABLE, _COUNTED, postgresql_where=sa.text(_OTHERS))
    for (name, columns, where), held in ((_WAITING, _COUNTED[1:]), (_ACTIVE, _COUNTED)):
        op.drop_index(name, table_name=_TABLE)
        op.create_index(
            name, _TABLE, columns, postgresql_where=sa.text(where), postgresql_include=held
        )


def downgrade() -> None:
    """Take them up again."""
    for name, columns, where in (_ACTIVE, _WAITING):
        op.drop_index(name, table_name=_TABLE)
        op.create_index(name, _TABLE, columns, postgresql_where=sa.text(where))
    op.drop_index(_STATUS, table_name=_TABLE)
    op.create_index(_STATUS, _TABLE, _COUNTED)
