"""What happens to a review that nobody decides, where its workflow says so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; it is empty, so that the table is locked for a moment only."""
    op.add_column("reviews", sa.Column("on_expiry", sa.Text(), nullable=True))


def downgrade() -> None:
    """Forget it: the setting counts for all reviews."""
    op.drop_column("reviews", "on_expiry")
