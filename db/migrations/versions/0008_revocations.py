"""Tokens that are refused before their end, and sign-in codes that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revocations",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("made_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('token', 'user', 'code')", name=op.f("ck_revocations_kind")
        ),
        sa.CheckConstraint(
            "(kind = 'user') = (made_before IS NOT NULL)", name=op.f("ck_revocations_made_before")
        ),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_revocations")),
    )


def downgrade() -> None:
    op.drop_table("revocations")
