"""The parts that a workflow's step makes, one row for each version of each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Key, Moment, Spent, Timestamp


class Part(Spent, Base):
    """One version of a part of one kind.

    `input_digest` names what it was made from: a finished one with the same digest is never made
    again. A roadmap's parts also name their roadmap and their concept. Other programs read those,
    with the columns that they always had, from the view `contents`; what the release before writes
    there, a trigger completes.
    """

    __tablename__ = "parts"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'running', 'completed', 'failed')", name="status"),
        CheckConstraint("(status = 'completed') = (body IS NOT NULL)", name="body_when_completed"),
        CheckConstraint("(status = 'failed') = (error IS NOT NULL)", name="error_when_failed"),
        CheckConstraint("version >= 1", name="version"),
        UniqueConstraint("concept_id", "kind", "version"),
        UniqueConstraint("task_id", "step", "key", "kind", "version"),
        Index("ix_parts_roadmap_id", "roadmap_id"),
        Index(
            "ix_parts_error",
            "task_id",
            "step",
            "position",
            "key",
            "kind",
            postgresql_where=text("error IS NOT NULL"),
        ),
    )

    content_id: Mapped[Key]
    task_id: Mapped[UUID] = mapped_column(ForeignKey("roadmap_tasks.task_id", ondelete="CASCADE"))
    step: Mapped[str]
    """The step that makes it."""
    key: Mapped[str]
    """Names the part within its step, the same over all versions and kinds."""
    title: Mapped[str]
    """What people call it."""
    position: Mapped[int] = mapped_column(server_default="0")
    """Its place in the list of parts, the same over all versions; only the order counts."""
    hidden: Mapped[bool] = mapped_column(server_default="false")
    """Its key is not in the list of parts any more; kept, in case it comes back."""
    roadmap_id: Mapped[UUID | None]
    """Of a roadmap's parts. It ends with its task, as they do, and the database does not look."""
    concept_id: Mapped[UUID | None]
    """Ditto."""
    kind: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    input_digest: Mapped[str]
    instruction: Mapped[str | None]
    """What whoever had it made anew wants to be different."""
    body: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    """`{"code", "message"}` of a failed one."""
    created_at: Mapped[Timestamp]
    started_at: Mapped[Moment]
    finished_at: Mapped[Moment]
