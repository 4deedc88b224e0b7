"""The life of the process that holds a task, so that its death is seen at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("roadmap_tasks", sa.Column("life", sa.BigInteger(), nullable=True))
    op.add_column("roadmap_tasks", sa.Column("life_epoch", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("roadmap_tasks", "life_epoch")
    op.drop_column("roadmap_tasks", "life")
