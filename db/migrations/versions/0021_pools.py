"""Workers tell which pool they run in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that workers of the release before leave empty."""
    op.add_column("workers", sa.Column("pool", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("workers", "pool")
