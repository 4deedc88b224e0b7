"""The deadlines of reviews: a reminder at half time, and what happens when nobody decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, func, select, text

from core.actor import SYSTEM
from core.choices import ReviewExpiry
from core.errors import AppError, ConflictError, ServiceUnavailableError, UnknownWorkflowError
from core.logging import get_logger
from core.settings import get_settings
from core.states import ReviewStatus
from db.facts import NOW, Fact, Update
from db.ledger import lock_tasks
from db.models import Review
from db.recorder import record_in
from db.session import read_session, transaction
from db.task_changes import timestamp
from notifications.events import EventType, ReviewData
from notifications.inbox_entry import InboxKind
from workflow import outcomes
from workflow.decisions import decide_review
from workflow.drafts import draft
from workflow.reviews import REVIEWS, newest_review
from workflow.service import cancel_task
from workflow.under_review import Approval

if TYPE_CHECKING:
    from uuid import UUID

log = get_logger(__name__)


async def remind(*, limit: int = 100) -> int:
    """Remind once of each review that is past half of its time; return how many."""
    due = await _open_reviews(_past_half(), limit)
    return sum([await _remind(task_id, version) for task_id, version in due])


async def expire(*, limit: int = 100) -> int:
    """End overdue reviews as their workflow, or else REVIEW_ON_EXPIRY, says; return how many.

    Args:
        limit: The most reviews that are looked at in one statement.
    """
    policy = func.coalesce(Review.on_expiry, str(get_settings().review_on_expiry))
    expired = 0
    for expiry in (ReviewExpiry.APPROVE, ReviewExpiry.CANCEL):
        due = and_(Review.due_at < func.clock_timestamp(), policy == str(expiry))
        looked_at: list[UUID] = []
        while page := await _open_reviews(and_(due, Review.task_id.not_in(looked_at)), limit):
            looked_at += [task_id for task_id, _ in page]
            expired += sum([await _expire(task_id, version, expiry) for task_id, version in page])
    return expired


async def _expire(task_id: UUID, version: int, expiry: ReviewExpiry) -> bool:
    """End one review; tell whether it was possible. What is wrong with it is no other one's."""
    try:
        if expiry is ReviewExpiry.APPROVE:
            await decide_review(task_id, Approval(), actor=SYSTEM, versions=[version])
        else:
            await cancel_task(task_id, actor=SYSTEM, reviewed_version=version)
    except (ConflictError, UnknownWorkflowError):
        return False  # a human was quicker, or another worker knows what it is about
    except ServiceUnavailableError:
        raise
    except AppError as error:
        log.warning("review_not_ended", task_id=str(task_id), code=error.code, why=error.message)
        return False
    return True


def _past_half() -> ColumnElement[bool]:
    now = func.clock_timestamp()
    return and_(Review.reminded_at.is_(None), now - Review.created_at > Review.due_at - now)


async def _open_reviews(condition: ColumnElement[bool], limit: int) -> list[tuple[UUID, int]]:
    """Return the tasks and versions under review that meet a condition."""
    async with read_session() as session:
        statement = (
            select(Review.task_id, Review.version)
            .where(text("status = 'open'"), condition)  # spelled out, as in its index
            .order_by(Review.due_at)
            .limit(limit)
        )
        return [(task_id, version) for task_id, version in await session.execute(statement)]


async def _remind(task_id: UUID, version: int) -> bool:
    async with transaction() as tx:
        row = (await lock_tasks(tx.session, [task_id])).get(task_id)
        review = await newest_review(tx.session, task_id)
        if (
            row is None
            or review is None
            or review.status != ReviewStatus.OPEN
            or review.version != version
            or review.reminded_at is not None
        ):
            return False
        message = f"A review is waiting since {timestamp(review.created_at)}"
        data = ReviewData(
            review_id=review.review_id,
            roadmap_id=row.roadmap_id,
            round=review.round,
            version=review.version,
            due_at=review.due_at,
        )
        await record_in(
            tx,
            Fact(
                task_id=task_id,
                rows=(
                    Update(REVIEWS, {"review_id": review.review_id}, {"reminded_at": NOW}),
                    outcomes.notification(row, InboxKind.REVIEW_REMINDER, message),
                ),
                events=(draft(EventType.REVIEW_REMINDER, message, data),),
            ),
        )
        return True
