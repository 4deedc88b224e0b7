"""Opens reviews, which are questions to a human, passes over unwanted ones, and closes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import select

from core.digest import digest
from core.ids import new_id
from core.settings import get_settings
from core.states import Decision, ReviewStatus, Status, Step
from db.facts import EventDraft, Fact, Insert, RowWrite, Update
from db.ledger import TaskRow, lock_tasks
from db.models import Review
from db.recorder import record, record_in
from db.session import retrying, transaction
from notifications.events import EventType, ReviewData, StepCompletedData
from notifications.inbox_entry import InboxKind
from workflow import outcomes
from workflow.checkpoints import checkpoint
from workflow.drafts import draft
from workflow.history import Done, round_of

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncSession

    from workflow.lease import Claim
    from workflow.outcomes import Subject
    from workflow.under_review import Terms, UnderReview

REVIEWS: Final = cast("Table", Review.__table__)


async def open_review(claim: Claim) -> None:
    """Ask a human, and give the task up: no worker, thread or connection is held meanwhile.

    Raises:
        LeaseLostError: Somebody else has the task.
        ServiceUnavailableError: The database kept failing.
    """
    await retrying(lambda: _open(claim))


async def _open(claim: Claim) -> None:
    async with transaction() as tx:
        row = (await lock_tasks(tx.session, [claim.task_id]))[claim.task_id]
        subject = await claim.definition.under_review(tx.session, row, claim.history)
        last = await newest_review(tx.session, claim.task_id)
        if last is not None and subject.roadmap_id is None:
            # finished steps may have been forgotten since; what was seen then must not count now
            subject = replace(subject, version=max(subject.version, last.version + 1))
        terms = claim.definition.terms(subject.of)
        question = question_about(row, subject, terms, number=1 + (last.round if last else 0))
        await record_in(
            tx,
            Fact(
                task_id=claim.task_id,
                epoch=claim.epoch,
                status=Status.HUMAN_REVIEW_PENDING,
                step=Step.HUMAN_REVIEW,
                rows=question.writes,
                events=(question.event,),
            ),
        )


async def pass_review(claim: Claim) -> Done:
    """Take a review as approved, in a task that asks for none; return it as a finished step.

    Raises:
        LeaseLostError: Somebody else has the task.
        ServiceUnavailableError: The database kept failing.
    """
    step = str(Step.HUMAN_REVIEW)
    output = decided_output(
        claim.definition.reviewed(claim.history, claim.request), Decision.APPROVE, feedback=None
    )
    done = Done(
        position=len(claim.history) + 1, step=step, input_digest=digest(output), output=output
    )
    told = StepCompletedData(
        step=step, round=round_of(claim.history, step), duration_s=0, calls=0, tokens=0
    )
    await record(
        Fact(
            task_id=claim.task_id,
            epoch=claim.epoch,
            rows=(checkpoint(claim.task_id, done, version=claim.definition.version),),
            events=(draft(EventType.STEP_COMPLETED, "No review was wanted", told),),
        )
    )
    return done


def decided_output(
    of: str, decision: Decision, *, feedback: str | None, review: Review | None = None
) -> dict[str, Any]:
    """Return what a review gives: how it was decided; without a row where nobody asked."""
    return {
        "of": of,
        "decision": str(decision),
        "feedback": feedback,
        "review_id": review and str(review.review_id),
        "version": 0 if review is None else review.version,
    }


@dataclass(frozen=True, slots=True)
class Question:
    """What asks a human: the rows that hold the question, and the event that tells of it."""

    writes: tuple[RowWrite, ...]
    event: EventDraft


def question_about(row: TaskRow, subject: UnderReview, terms: Terms, *, number: int) -> Question:
    """Return what opens a review of a version: its row, the owner's notification, the event."""
    data = ReviewData(
        review_id=new_id(),
        roadmap_id=subject.roadmap_id,
        round=number,
        version=subject.version,
        due_at=row.now + timedelta(hours=terms.due_hours or get_settings().review_due_hours),
    )
    message = f"'{subject.title}' waits for your review"
    values = {
        "review_id": data.review_id,
        "task_id": row.task_id,
        "round": number,
        "version": subject.version,
        "status": str(ReviewStatus.OPEN),
        "due_at": data.due_at,
        "on_expiry": terms.on_expiry and str(terms.on_expiry),
    }
    return Question(
        (
            Insert(REVIEWS, values),
            outcomes.notification(cast("Subject", row), InboxKind.REVIEW_REQUIRED, message),
        ),
        draft(EventType.REVIEW_REQUIRED, message, data),
    )


async def newest_review(session: AsyncSession, task_id: UUID) -> Review | None:
    """Return the task's last review, open or not."""
    statement = (
        select(Review).where(Review.task_id == task_id).order_by(Review.round.desc()).limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


def cancelled_review(review: Review | None) -> tuple[RowWrite, ...]:
    """Return what closes an open review whose task is cancelled."""
    if review is None or review.status != ReviewStatus.OPEN:
        return ()
    cancelled = {"status": str(ReviewStatus.CANCELLED)}
    return (
        Update(REVIEWS, {"review_id": review.review_id}, cancelled),
        *outcomes.notices_settled(review.task_id),
    )
