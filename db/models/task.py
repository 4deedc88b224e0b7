"""A task, its events, its checkpoints, its reviews."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.states import Step, pairs_check_sql
from db.models.base import Base, Key, Moment, Spent, Timestamp


class RoadmapTask(Spent, Base):
    """A request and its whole life, one row. Public: other programs may read it.

    The row is also the outbox: `rung_at` tells when Celery was last asked to wake a worker
    for it. `lease_*` and `epoch` tell who works on it; every write of a workflow carries
    its epoch and is refused when it is no longer the row's.
    """

    __tablename__ = "roadmap_tasks"
    __table_args__ = (
        # a roadmap's own table of pairs is a constraint of the database besides (migration 0014)
        CheckConstraint(pairs_check_sql(), name="status_step_pair"),
        ForeignKeyConstraint(
            ["workflow", "current_step"], ["workflow_steps.workflow", "workflow_steps.step"]
        ),
        CheckConstraint("done >= 0 AND done <= total", name="progress_counts"),
        CheckConstraint("percent >= 0 AND percent <= 100", name="percent_range"),
        CheckConstraint("percent < 100 OR status IN ('completed')", name="percent_full"),
        CheckConstraint(
            "(status IN ('completed', 'partial_failure', 'failed', 'cancelled'))"
            " = (finished_at IS NOT NULL)",
            name="finished_when_terminal",
        ),
        CheckConstraint(
            "lease_until IS NULL OR status = 'processing'", name="lease_only_while_processing"
        ),
        UniqueConstraint("user_id", "idempotency_key"),
        Index("ix_roadmap_tasks_created_at", "created_at", "task_id"),
        Index("ix_roadmap_tasks_user_id_created_at", "user_id", "created_at", "task_id"),
        Index("ix_roadmap_tasks_user_id_started_at", "user_id", "started_at"),
        Index(  # those who wait are in the indexes of the line, and the planner finds no other
            "ix_roadmap_tasks_status",
            "status",
            "created_at",
            "task_id",
            postgresql_where=text(
                "status IN ('processing', 'completed', 'partial_failure', 'failed', 'cancelled')"
            ),
        ),
        Index(
            "ix_roadmap_tasks_ended",
            "user_id",
            "status",
            "created_at",
            "task_id",
            postgresql_where=text("finished_at IS NOT NULL"),
        ),
        Index(
            "ix_roadmap_tasks_claimable",
            text("rung_at NULLS FIRST"),
            postgresql_where=text("status IN ('pending', 'processing') AND deferred_at IS NULL"),
        ),
        Index(  # those who were put off, to know whether there is one
            "ix_roadmap_tasks_deferred",
            "deferred_at",
            postgresql_where=text(
                "status IN ('pending', 'processing') AND deferred_at IS NOT NULL"
            ),
        ),
        Index(  # each user's line, in its order
            "ix_roadmap_tasks_line",
            "user_id",
            text("(deferred_at IS NOT NULL)"),
            "created_at",
            "task_id",
            postgresql_where=text("status = 'pending' AND starts_at IS NULL"),
        ),
        Index(
            "ix_roadmap_tasks_timed",
            "starts_at",
            postgresql_where=text("status = 'pending' AND starts_at IS NOT NULL"),
        ),
        Index(
            "ix_roadmap_tasks_active",
            "user_id",
            postgresql_where=text("status IN ('processing', 'human_review_pending')"),
            postgresql_include=["status", "workflow", "workflow_version", "created_at", "task_id"],
        ),
        Index(
            "ix_roadmap_tasks_expires_at",
            "expires_at",
            postgresql_where=text("status = 'pending' AND expires_at IS NOT NULL"),
        ),
        Index(
            "ix_roadmap_tasks_waiting",
            "user_id",
            "created_at",
            "task_id",
            postgresql_where=text("status = 'pending'"),
            postgresql_include=["workflow", "workflow_version"],
        ),
        Index(
            "ix_roadmap_tasks_completed",
            "task_id",
            postgresql_where=text("status = 'completed'"),
        ),
    )

    task_id: Mapped[Key]
    user_id: Mapped[str]
    workflow: Mapped[str] = mapped_column(server_default="roadmap")
    """The name of what it runs."""
    title: Mapped[str | None]
    """What people call it; null in rows of releases that had no titles."""
    goal: Mapped[str]
    """What a roadmap is to lead to; of other workflows the title that the request gives."""
    request: Mapped[dict[str, Any]]
    """What was asked, as given."""
    asks_review: Mapped[bool] = mapped_column(server_default="true")
    """Whether its reviews are asked; else each one is taken as approved. Roadmaps say it in their
    request."""
    status: Mapped[str]
    current_step: Mapped[str]
    roadmap_id: Mapped[UUID | None]
    error: Mapped[dict[str, Any] | None]
    """`{"code", "message", "step"}` of a failed task."""

    attempt: Mapped[int] = mapped_column(server_default="1")
    """1, and one more with each retry."""
    losses: Mapped[int] = mapped_column(server_default="0")
    """Workers lost in a row since the last progress."""
    recovered: Mapped[bool] = mapped_column(server_default="false")
    """Its last worker was lost: the next one to claim it tells so."""
    epoch: Mapped[int] = mapped_column(server_default="0")
    lease_owner: Mapped[str | None]
    lease_until: Mapped[Moment]
    life: Mapped[int | None] = mapped_column(BigInteger)
    """Of the process that holds it: the key of the lock that it keeps while it lives (`db.life`);
    null when leases alone tell."""
    life_epoch: Mapped[int | None]
    """The lease that `life` was written for: whoever knows no lives raises the epoch alone."""
    rung_at: Mapped[Moment]
    """When Celery was last asked to wake a worker for it."""
    deferred_at: Mapped[Moment]
    """When a worker put it off, since others come first; null again once it was rung for."""
    starts_at: Mapped[Moment]
    """It does not begin before; set when its message asked for that."""
    expires_at: Mapped[Moment]
    """It fails if it has not begun by then; set when its message asked for that."""

    last_seq: Mapped[int] = mapped_column(server_default="0")
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int] = mapped_column(server_default="0")
    percent: Mapped[float] = mapped_column(server_default="0")
    failures: Mapped[int] = mapped_column(server_default="0")
    """Contents that failed and were not tried again since, so that nobody has to count them."""
    step_began_at: Mapped[Moment]
    """When the step that runs began; null before the first."""
    step_ended: Mapped[int] = mapped_column(server_default="0")
    """Contents that ended since then."""

    traceparent: Mapped[str | None]
    """Where in which trace it was last worked on; what goes on with it links there."""
    workflow_version: Mapped[int]
    idempotency_key: Mapped[str | None]
    request_digest: Mapped[str]
    created_at: Mapped[Timestamp]
    started_at: Mapped[Moment]
    finished_at: Mapped[Moment]
    updated_at: Mapped[Timestamp]


class TaskEvent(Base):
    """The durable event log: `seq` counts from 1 without gaps, per task. Public."""

    __tablename__ = "task_events"
    __table_args__ = (
        Index(
            "ix_task_events_steps",
            "task_id",
            "seq",
            postgresql_where=text("type IN ('step_started', 'review_required', 'review_decided')"),
        ),
        Index(
            "ix_task_events_retried",
            "task_id",
            "created_at",
            postgresql_where=text("type = 'task_retried'"),
        ),
        Index(  # how tasks ended lately, whosever they are
            "ix_task_events_ended",
            "created_at",
            "type",
            postgresql_where=text(
                "type IN ('task_completed', 'task_partially_failed', 'task_failed',"
                " 'task_cancelled')"
            ),
        ),
    )

    task_id: Mapped[UUID] = mapped_column(
        ForeignKey("roadmap_tasks.task_id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[Timestamp]


class Checkpoint(Spent, Base):
    """What a finished step gave, so that it is never done again."""

    __tablename__ = "checkpoints"
    __table_args__ = (
        CheckConstraint(
            f"step NOT IN ('{Step.QUEUED}', '{Step.RESUMING}', '{Step.COMPLETED}')", name="step"
        ),
    )

    task_id: Mapped[UUID] = mapped_column(
        ForeignKey("roadmap_tasks.task_id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1, 2, 3 … in the order in which the steps ended."""
    step: Mapped[str]
    workflow_version: Mapped[int]
    input_digest: Mapped[str]
    output: Mapped[dict[str, Any]]
    """Small: long texts live in tables of their own."""
    created_at: Mapped[Timestamp]


class Review(Base):
    """A question to a human about one version of what a step made. Public."""

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'decided', 'cancelled')", name="status"),
        CheckConstraint("decision IN ('approve', 'reject', 'edit')", name="decision"),
        CheckConstraint("(status = 'decided') = (decision IS NOT NULL)", name="decided"),
        UniqueConstraint("task_id", "round"),
        Index(
            "uq_reviews_one_open_per_task",
            "task_id",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_reviews_due_at", "due_at", postgresql_where=text("status = 'open'")),
    )

    review_id: Mapped[Key]
    task_id: Mapped[UUID] = mapped_column(ForeignKey("roadmap_tasks.task_id", ondelete="CASCADE"))
    round: Mapped[int]
    version: Mapped[int]
    """The version that is under review."""
    status: Mapped[str]
    due_at: Mapped[datetime]
    on_expiry: Mapped[str | None]
    """What happens when it is overdue, where the workflow says so; else the setting counts."""
    reminded_at: Mapped[Moment]
    decision: Mapped[str | None]
    feedback: Mapped[str | None]
    edits: Mapped[list[Any] | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[Moment]
    created_at: Mapped[Timestamp]


class WorkflowStep(Base):
    """A name that `current_step` may have in tasks of a workflow; those of all its versions.

    Written when a process starts that knows the workflow.
    """

    __tablename__ = "workflow_steps"

    workflow: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
