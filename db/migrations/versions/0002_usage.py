"""What was spent, in money too; limits on model requests moved to Redis.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COUNTS = ("prompt_tokens", "completion_tokens")


def upgrade() -> None:
    for name in ("calls", "tokens"):
        op.add_column("checkpoints", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    for table in ("roadmap_tasks", "checkpoints", "contents"):
        for name in COUNTS:
            op.add_column(table, sa.Column(name, sa.Integer(), server_default="0", nullable=False))
        op.add_column(table, sa.Column("cost", sa.Numeric(), nullable=True))
    op.drop_table("rates")


def downgrade() -> None:
    op.create_table(
        "rates",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rates")),
    )
    for table in ("contents", "checkpoints", "roadmap_tasks"):
        for name in ("cost", *COUNTS):
            op.drop_column(table, name)
    for name in ("tokens", "calls"):
        op.drop_column("checkpoints", name)
