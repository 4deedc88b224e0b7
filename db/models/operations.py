"""Tables beside the tasks: jobs, workers, messages set aside, credentials taken back, abilities."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Moment, Timestamp


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


class Worker(Base):
    """One Celery worker, all its processes together; it says every few seconds that it lives."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    """Its node name, as it stands in `roadmap_tasks.lease_owner`."""
    slots: Mapped[int]
    """Workflows at a time, as asked for by `--concurrency`."""
    spare: Mapped[int]
    """Workflows on top of these, of users who have few or none running."""
    pool: Mapped[str | None]
    """`threads` or `prefork`; null of a worker of an older version."""
    incarnation: Mapped[str]
    """Names its present life."""
    since: Mapped[datetime]
    """When that began: leases from before are a former life's."""
    seen_at: Mapped[datetime]
    consumes: Mapped[bool] = mapped_column(server_default="true")
    """Whether its consumer turns and listens: one that cannot hold its connection does not."""


class QueueMinute(Base):
    """What waited and what ran in a minute, as maintenance saw it then; the last hours are kept."""

    __tablename__ = "queue_minutes"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    waiting: Mapped[int]
    running: Mapped[int]
    depth: Mapped[int | None]
    """Messages in the broker's queue; null when it could not be asked."""


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


class ModelAbilities(Base):
    """How one server and model are asked."""

    __tablename__ = "model_abilities"

    scope: Mapped[str] = mapped_column(primary_key=True)
    """A digest of the address and the model."""
    server: Mapped[str]
    """Its host, for people."""
    model: Mapped[str]
    abilities: Mapped[dict[str, Any]]
    learned_at: Mapped[datetime] = mapped_column(server_default=func.now())
