"""Rates that hold over all processes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class Rate(Base):
    """When the next request under a shared limit may begin."""

    __tablename__ = "rates"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
