"""The workers that are there, and how many workflows each may run."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class Worker(Base):
    """One Celery worker, all its processes together; it says every few seconds that it lives."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    """Its node name, as it stands in `roadmap_tasks.lease_owner`."""
    slots: Mapped[int]
    """Workflows at a time, as asked for by `--concurrency`."""
    spare: Mapped[int]
    """Workflows on top of these, of users who have few or none running."""
    incarnation: Mapped[str]
    """Names its present life."""
    since: Mapped[datetime]
    """When that began: leases from before are a former life's."""
    seen_at: Mapped[datetime]
    consumes: Mapped[bool] = mapped_column(server_default="true")
    """Whether its consumer turns and listens: one that cannot hold its connection does not."""
