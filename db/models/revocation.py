"""Credentials that are not good any more although they have not ended yet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Moment, Timestamp


class Revocation(Base):
    """A token or a user whose tokens are refused, or a sign-in code that was used."""

    __tablename__ = "revocations"
    __table_args__ = (
        CheckConstraint("kind IN ('token', 'user', 'code')", name="kind"),
        CheckConstraint("(kind = 'user') = (made_before IS NOT NULL)", name="made_before"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    """The token's `jti`, the user, or a digest of the code."""
    made_before: Mapped[Moment]
    """Of a user: tokens made until then are refused, later ones are not."""
    expires_at: Mapped[datetime]
    """What it is about has ended by itself then, and the row may go."""
    created_at: Mapped[Timestamp]
