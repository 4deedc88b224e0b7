"""Opens reviews, which are questions to a human, and carries out the one decision about each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import BaseModel
from sqlalchemy import select

from core.digest import digest
from core.errors import ConflictError, InvalidRequestError, StaleVersionError
from core.ids import new_id
from core.settings import get_settings
from core.states import Decision, ReviewStatus, Status, Step, Then
from db.facts import NOW, EventDraft, Fact, Insert, Reason, RowWrite, Update
from db.ledger import TaskRow, lock_tasks
from db.models import Checkpoint, Review
from db.recorder import record, record_in
from db.session import retrying, transaction
from notifications.events import DecisionData, EventType, ReviewData, StepCompletedData
from notifications.inbox_entry import InboxKind
from workflow import outcomes
from workflow.drafts import draft
from workflow.history import Done, round_of
from workflow.ownership import lock_owned
from workflow.registry import definition_of
from workflow.under_review import UnderReview
from workflow.upgrading import current_history

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor
    from workflow.definition import Definition
    from workflow.lease import Claim
    from workflow.outcomes import Subject
    from workflow.under_review import Answer, Terms

REVIEWS: Final = cast("Table", Review.__table__)
CHECKPOINTS: Final = cast("Table", Checkpoint.__table__)


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
        terms = claim.definition.terms(subject.of)
        question = _question(row, subject, terms, number=1 + (last.round if last else 0))
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
    output = {
        "of": claim.definition.reviewed(claim.history, claim.request),
        "decision": str(Decision.APPROVE),
        "feedback": None,
        "review_id": None,
        "version": 0,
    }
    done = Done(
        position=len(claim.history) + 1, step=step, input_digest=digest(output), output=output
    )
    told = StepCompletedData(
        step=step, round=round_of(claim.history, step), duration_s=0, calls=0, tokens=0
    )
    checkpoint = {
        "task_id": claim.task_id,
        "position": done.position,
        "step": step,
        "workflow_version": claim.definition.version,
        "input_digest": done.input_digest,
        "output": output,
    }
    await record(
        Fact(
            task_id=claim.task_id,
            epoch=claim.epoch,
            rows=(Insert(CHECKPOINTS, checkpoint),),
            events=(draft(EventType.STEP_COMPLETED, "No review was wanted", told),),
        )
    )
    return done


@dataclass(frozen=True, slots=True)
class _Question:
    writes: tuple[RowWrite, ...]
    event: EventDraft


def _question(row: TaskRow, subject: UnderReview, terms: Terms, *, number: int) -> _Question:
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
    return _Question(
        (
            Insert(REVIEWS, values),
            outcomes.notification(cast("Subject", row), InboxKind.REVIEW_REQUIRED, message),
        ),
        draft(EventType.REVIEW_REQUIRED, message, data),
    )


async def decide_review(
    task_id: UUID, decision: Answer, *, actor: Actor, version: int | None = None
) -> None:
    """Carry out a human's decision, once, and ask for a worker, or for another look at an edit.

    The task's row is locked while deciding, so of many decisions at the same time one wins; the
    others change nothing and are told so.

    Args:
        task_id: The task under review.
        decision: What was decided.
        actor: Who decided.
        version: The version that was looked at, if known.

    Raises:
        NotFoundError: No such task for this actor.
        ConflictError: No review is open, or it was decided otherwise.
        StaleVersionError: Another version is under review.
        InvalidRequestError: The edits do not fit.
    """
    async with transaction() as tx:
        row = await lock_owned(tx, task_id, actor)
        review = _decidable(row, await newest_review(tx.session, task_id), version)
        definition = definition_of(row.workflow)
        history, upgrade = await current_history(tx.session, row, definition)
        of = definition.reviewed(history, definition.request.model_validate(row.request))
        _check_form(definition, decision)
        edited = await definition.edited(tx.session, row, review, decision, of=of)
        told = draft(
            EventType.REVIEW_DECIDED,
            "It was edited, and is to be reviewed again"
            if decision.looks_again
            else f"The review was decided: {decision.decision}",
            DecisionData(
                review_id=review.review_id,
                decision=decision.decision,
                version=review.version + (edited is not None),
                decided_by=actor.user_id,
                then=(decision.then or Then.APPROVE) if edited else None,
            ),
        )
        position = len(history) + 1
        rows: tuple[RowWrite, ...] = (
            *upgrade,
            _decided(review, decision, actor),
            *outcomes.notices_settled(task_id),
        )
        if edited:
            rows += edited.writes
        if edited and edited.step:
            rows += (_replaced(row, position, edited.step, edited.output),)
            position += 1
        events = (told, *(edited.events if edited else ()))
        total = edited.total if edited else None
        changes: dict[str, Any] = {"title": edited.title} if edited else {}
        if upgrade:
            row.values["workflow_version"] = changes["workflow_version"] = definition.version
        if edited and decision.looks_again:
            subject = UnderReview(
                title=edited.title, version=review.version + 1, roadmap_id=row.roadmap_id, of=of
            )
            question = _question(row, subject, definition.terms(of), number=review.round + 1)
            # no decision is checkpointed: the question goes on, and needs no worker for that
            await record_in(
                tx,
                Fact(
                    task_id=task_id,
                    total=total,
                    changes=changes,
                    rows=(*rows, *question.writes),
                    events=(*events, question.event),
                ),
            )
            return
        await record_in(
            tx,
            Fact(
                task_id=task_id,
                status=Status.PROCESSING,
                step=Step.RESUMING,
                rings=Reason.RESUME,
                total=total,
                changes=changes,
                rows=(*rows, _checkpoint(row, position, review, decision, of=of)),
                events=events,
            ),
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


def _decidable(row: TaskRow, review: Review | None, version: int | None) -> Review:
    if review is None:
        raise ConflictError("The task is not under review yet.")
    if row.status != Status.HUMAN_REVIEW_PENDING or review.status != ReviewStatus.OPEN:
        # before the version: when nothing is open, reading the review again is no help
        was = f" ({review.decision} by {review.decided_by})" if review.decision else ""
        raise ConflictError(f"The review was already {review.status}{was}.")
    if version is not None and version != review.version:
        raise StaleVersionError(
            f"Version {version} is not under review; the current one is {review.version}."
            " Read the review again and decide anew."
        )
    return review


def _check_form(definition: Definition, decision: Answer) -> None:
    """Refuse changes that are not of the kind which the workflow takes."""
    if decision.decision is not Decision.EDIT or decision.replaces != definition.takes_edits:
        return
    takes, brings = ("edits", "value") if definition.takes_edits else ("value", "edits")
    raise InvalidRequestError(
        f"An edit of the workflow {definition.name!r} takes `{takes}`, not `{brings}`."
    )


def _decided(review: Review, decision: Answer, actor: Actor) -> RowWrite:
    edits = [
        edit.model_dump(mode="json", exclude_none=True) if isinstance(edit, BaseModel) else edit
        for edit in (decision.edits if isinstance(decision.edits, list) else [decision.edits])
        if edit is not None
    ]
    return Update(
        REVIEWS,
        {"review_id": review.review_id},
        {
            "status": str(ReviewStatus.DECIDED),
            "decision": str(decision.decision),
            "feedback": decision.feedback,
            "edits": edits or None,
            "decided_by": actor.user_id,
            "decided_at": NOW,
        },
    )


def _checkpoint(
    row: TaskRow, position: int, review: Review, decision: Answer, *, of: str
) -> RowWrite:
    output: dict[str, Any] = {
        "of": of,
        "decision": str(decision.decision),
        "feedback": decision.feedback,
        "review_id": str(review.review_id),
        "version": review.version,
    }
    return _finished(row, position, str(Step.HUMAN_REVIEW), output, made_from=review.version)


def _replaced(row: TaskRow, position: int, step: str, output: dict[str, Any]) -> RowWrite:
    """Return what puts a reviewer's own value in the place of what a step gave."""
    return _finished(row, position, step, output, made_from="edited")


def _finished(
    row: TaskRow, position: int, step: str, output: dict[str, Any], *, made_from: Any
) -> RowWrite:
    return Insert(
        CHECKPOINTS,
        {
            "task_id": row.task_id,
            "position": position,
            "step": step,
            "workflow_version": row.workflow_version,
            "input_digest": digest([made_from, output]),
            "output": output,
        },
    )
