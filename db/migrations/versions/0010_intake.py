"""Messages set aside, tasks that wait for a time, workers that say whether they take messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rejected_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejected_messages")),
    )
    op.create_index("ix_rejected_messages_at", "rejected_messages", ["at"])
    op.create_table(
        "rejected_counts",
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("first_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("reason", name=op.f("pk_rejected_counts")),
    )
    op.add_column("roadmap_tasks", sa.Column("starts_at", _MOMENT, nullable=True))
    op.add_column("roadmap_tasks", sa.Column("expires_at", _MOMENT, nullable=True))
    op.create_index(
        "ix_roadmap_tasks_expires_at",
        "roadmap_tasks",
        ["expires_at"],
        postgresql_where=sa.text("status = 'pending' AND expires_at IS NOT NULL"),
    )
    op.add_column(
        "workers",
        sa.Column("consumes", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("workers", "consumes")
    op.drop_index("ix_roadmap_tasks_expires_at", table_name="roadmap_tasks")
    op.drop_column("roadmap_tasks", "expires_at")
    op.drop_column("roadmap_tasks", "starts_at")
    op.drop_table("rejected_counts")
    op.drop_index("ix_rejected_messages_at", table_name="rejected_messages")
    op.drop_table("rejected_messages")
