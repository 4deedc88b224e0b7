"""Maintenance jobs: when each last ran and how it went, so that a silent one can be seen."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Moment


class Schedule(Base):
    """One maintenance job."""

    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(primary_key=True)
    paused: Mapped[bool] = mapped_column(server_default="false")
    next_run_at: Mapped[Moment]
    """When a scheduler may run it next; null before the first time."""
    last_run_at: Mapped[Moment]
    duration_s: Mapped[float | None]
    outcome: Mapped[dict[str, Any] | None]
