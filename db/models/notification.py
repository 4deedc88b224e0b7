"""What a user is told about their tasks."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Key, Moment, Timestamp


class Notification(Base):
    """One entry of a user's inbox. Public."""

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('review_required', 'review_reminder', 'task_completed',"
            " 'task_partially_failed', 'task_failed', 'task_cancelled')",
            name="kind",
        ),
        Index("ix_notifications_user_id_notification_id", "user_id", "notification_id"),
        Index("ix_notifications_unread", "user_id", postgresql_where=text("read_at IS NULL")),
    )

    notification_id: Mapped[Key]
    user_id: Mapped[str]
    task_id: Mapped[UUID] = mapped_column(
        ForeignKey("roadmap_tasks.task_id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str]
    message: Mapped[str]
    created_at: Mapped[Timestamp]
    read_at: Mapped[Moment]
