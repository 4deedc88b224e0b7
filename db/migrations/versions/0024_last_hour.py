"""The last hour can be looked at: a row a minute of what waits, and an index of how tasks ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ENDED = "ix_task_events_ended"


def upgrade() -> None:
    """Add the table, which maintenance fills, and the index, of one entry for each task."""
    op.create_table(
        "queue_minutes",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("minute", name=op.f("pk_queue_minutes")),
    )
    op.create_index(
        _ENDED,
        "task_events",
        ["created_at", "type"],
        postgresql_where=sa.text(
            "type IN ('task_completed', 'task_partially_failed', 'task_failed', 'task_cancelled')"
        ),
    )


def downgrade() -> None:
    """Forget both; nothing else is made from them."""
    op.drop_index(_ENDED, table_name="task_events")
    op.drop_table("queue_minutes")
