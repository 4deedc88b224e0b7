"""Parts are listed in the order of the list that they come from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_FAILED = sa.text("error IS NOT NULL")


def upgrade() -> None:
    """Give parts a position.

    Those that are stored keep the order in which they were listed so far, by key: nothing tells the
    order of their list any more. Where their step runs again, it puts them in order.
    """
    op.add_column("parts", sa.Column("position", sa.Integer(), server_default="0", nullable=False))
    op.drop_index("ix_parts_error", table_name="parts")
    op.create_index(
        "ix_parts_error",
        "parts",
        ["task_id", "step", "position", "key", "kind"],
        postgresql_where=_FAILED,
    )


def downgrade() -> None:
    """List them by key again."""
    op.drop_index("ix_parts_error", table_name="parts")
    op.create_index(
        "ix_parts_error", "parts", ["task_id", "step", "key", "kind"], postgresql_where=_FAILED
    )
    op.drop_column("parts", "position")
