"""Messages that no worker could take, and how many there were."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class RejectedMessage(Base):
    """One message that was set aside; only the newest ones are kept."""

    __tablename__ = "rejected_messages"
    __table_args__ = (Index("ix_rejected_messages_at", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime]
    queue: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str]
    """What is wrong with it, in a sentence."""
    size: Mapped[int] = mapped_column(BigInteger)
    """Bytes, as it came."""
    excerpt: Mapped[str]
    """Its beginning, in plain text, without secrets."""
    worker: Mapped[str]


class RejectedCount(Base):
    """How many messages were set aside for a reason, kept or not."""

    __tablename__ = "rejected_counts"

    reason: Mapped[str] = mapped_column(primary_key=True)
    messages: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
