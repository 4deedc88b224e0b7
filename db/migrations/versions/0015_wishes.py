"""What whoever asks wants beside the request: no review, and a part made anew in another way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # constants as defaults: no row is written, the tables are locked for a moment only
    op.add_column(
        "roadmap_tasks",
        sa.Column("asks_review", sa.Boolean(), server_default="true", nullable=False),
    )
    op.add_column("parts", sa.Column("instruction", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("parts", "instruction")
    op.drop_column("roadmap_tasks", "asks_review")
