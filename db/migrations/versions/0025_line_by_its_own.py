"""Tasks that wait are found by the indexes of the line alone, those that ended by status and age.

An index by status, of which a planner that has not yet seen a burst expects one row, looked as
good as the line's, and each user's line was looked for among all tasks that wait. The newest tasks
of a rare status were looked for among all tasks, by their age. Whether a task was put off at all
was asked of every user's line.
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
_KIND = ["status", "workflow", "workflow_version"]
_AGE = ["created_at", "task_id"]
_WAITING = ("ix_roadmap_tasks_waiting", ["user_id", *_AGE], "status = 'pending'")
_ACTIVE = (
    "ix_roadmap_tasks_active",
    ["user_id"],
    "status IN ('processing', 'human_review_pending')",
)
_OTHERS = "status IN ('processing', 'completed', 'partial_failure', 'failed', 'cancelled')"
_ENDED = "ix_roadmap_tasks_ended"
_DEFERRED = "ix_roadmap_tasks_deferred"


def upgrade() -> None:
    """Leave those who wait for a worker or a human out of the index by status.

    The indexes in which they stand hold what is counted and listed of them.
    """
    op.drop_index(_STATUS, table_name=_TABLE)
    op.create_index(_STATUS, _TABLE, ["status", *_AGE], postgresql_where=sa.text(_OTHERS))
    op.create_index(
        _ENDED,
        _TABLE,
        ["user_id", "status", *_AGE],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index(
        _DEFERRED,
        _TABLE,
        ["deferred_at"],
        postgresql_where=sa.text("status IN ('pending', 'processing') AND deferred_at IS NOT NULL"),
    )
    for (name, columns, where), held in ((_WAITING, _KIND[1:]), (_ACTIVE, [*_KIND, *_AGE])):
        op.drop_index(name, table_name=_TABLE)
        op.create_index(
            name, _TABLE, columns, postgresql_where=sa.text(where), postgresql_include=held
        )


def downgrade() -> None:
    """Take them up again."""
    for name, columns, where in (_ACTIVE, _WAITING):
        op.drop_index(name, table_name=_TABLE)
        op.create_index(name, _TABLE, columns, postgresql_where=sa.text(where))
    op.drop_index(_DEFERRED, table_name=_TABLE)
    op.drop_index(_ENDED, table_name=_TABLE)
    op.drop_index(_STATUS, table_name=_TABLE)
    op.create_index(_STATUS, _TABLE, _KIND)
