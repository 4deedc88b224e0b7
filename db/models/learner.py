"""How far people are with learning."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Moment, Timestamp


class LearnerProgress(Base):
    """What one user did with one concept; there is no row before they did anything."""

    __tablename__ = "learner_progress"
    __table_args__ = (
        CheckConstraint(
            "num_nulls(quiz_version, quiz_answers, quiz_correct, quiz_total, quiz_at) IN (0, 5)",
            name="quiz_complete",
        ),
        CheckConstraint("mark IN ('learning', 'skipped')", name="known_mark"),
        CheckConstraint("quiz_correct >= 0 AND quiz_correct <= quiz_total", name="quiz_score"),
        Index("ix_learner_progress_roadmap_id", "roadmap_id", "user_id"),
        Index("ix_learner_progress_concept_id", "concept_id"),
    )

    user_id: Mapped[str] = mapped_column(primary_key=True)
    concept_id: Mapped[UUID] = mapped_column(
        ForeignKey("concepts.concept_id", ondelete="CASCADE"), primary_key=True
    )
    roadmap_id: Mapped[UUID] = mapped_column(ForeignKey("roadmaps.roadmap_id", ondelete="CASCADE"))
    done_at: Mapped[Moment]
    """When it was marked as done; null when it is not."""
    mark: Mapped[str | None]
    """`learning` or `skipped`, as long as it is not done: `done_at` goes before it."""
    quiz_version: Mapped[int | None]
    """The version of the quiz that was answered last."""
    quiz_answers: Mapped[list[Any] | None]
    """For each question the positions that were chosen."""
    quiz_correct: Mapped[int | None]
    quiz_total: Mapped[int | None]
    quiz_at: Mapped[Moment]
    created_at: Mapped[Timestamp]
