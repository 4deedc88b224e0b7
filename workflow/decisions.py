"""Carries out the one decision about a review: what a human answered, and what follows from it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from core.actor import SYSTEM
from core.digest import digest
from core.errors import ConflictError, InvalidRequestError, PlanError, StaleVersionError
from core.states import TERMINAL, Decision, ReviewStatus, Status, Step, Then
from db.facts import NOW, Fact, Reason, RowWrite, Update
from db.recorder import record_in
from db.session import transaction
from notifications.events import DecisionData, EventType
from workflow import outcomes
from workflow.checkpoints import checkpoint, finished_steps
from workflow.drafts import draft
from workflow.history import Done
from workflow.owners import lock_owned
from workflow.registry import definition_of
from workflow.reviews import REVIEWS, decided_output, newest_review, question_about
from workflow.under_review import UnderReview, check_known
from workflow.upgrading import current_history

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from core.actor import Actor
    from db.facts import EventDraft
    from db.ledger import TaskRow
    from db.models import Review
    from workflow.definition import Definition
    from workflow.under_review import Answer, Edited

_MOST_NAMED: Final = 5


async def decide_review(
    task_id: UUID, decision: Answer, *, actor: Actor, versions: Collection[int] | None = None
) -> None:
    """Carry out a human's decision, once, and ask for a worker, or for another look at an edit.

    The task's row is locked while deciding, so of many decisions at the same time one wins; the
    others change nothing and are told so.

    Args:
        task_id: The task under review.
        decision: What was decided.
        actor: Who decided.
        versions: Any of these was looked at; None when that is not known.

    Raises:
        NotFoundError: No such task for this actor.
        ConflictError: No review is open, or it was decided otherwise.
        StaleVersionError: Another version is under review.
        InvalidRequestError: The edits do not fit.
    """
    async with transaction() as tx:
        row = await lock_owned(tx, task_id, actor)
        definition = definition_of(row.workflow)  # first: without it no review could be read
        review = _decidable(row, await newest_review(tx.session, task_id), versions)
        history, upgrade = await current_history(tx.session, row, definition)
        seen = await finished_steps(tx.session, task_id) if upgrade.rows else history
        of = _asked_about(definition, definition.asked(row), seen=seen, history=history)
        check_known(definition, row.workflow_version, of)
        _check_form(definition, decision)
        edited = await definition.edited(tx.session, row, review, decision, of=of)
        position = len(history) + 1
        rows: tuple[RowWrite, ...] = (
            *upgrade.rows,
            _decided(review, decision, actor),
            *outcomes.notices_settled(task_id),
        )
        if edited:
            rows += edited.writes
        if edited and edited.step:
            rows += (_replaced(row, position, edited.step, edited.output),)
            position += 1
        changes: dict[str, Any] = {"title": edited.title} if edited else {}
        if upgrade.rows:
            row.values["workflow_version"] = changes["workflow_version"] = definition.version
        fact = Fact(
            task_id=task_id,
            **({"total": edited.total} if edited and edited.total else upgrade.counts),
            changes=changes,
            events=(_told(review, decision, actor, edited), *(edited.events if edited else ())),
        )
        if edited and decision.looks_again:
            # no decision is checkpointed: the question goes on, and needs no worker for that
            subject = UnderReview(
                title=edited.title, version=review.version + 1, roadmap_id=row.roadmap_id, of=of
            )
            question = question_about(row, subject, definition.terms(of), number=review.round + 1)
            fact = replace(
                fact, rows=(*rows, *question.writes), events=(*fact.events, question.event)
            )
        else:
            fact = replace(
                fact,
                status=Status.PROCESSING,
                step=Step.RESUMING,
                rings=Reason.RESUME,
                rows=(*rows, _checkpoint(row, position, review, decision, of=of)),
            )
        await record_in(tx, fact)


def _told(review: Review, decision: Answer, actor: Actor, edited: Edited | None) -> EventDraft:
    """Return the event that a review was decided."""
    overdue = actor is SYSTEM  # also a person may be called so
    message = f"The review was decided: {decision.decision}"
    if decision.looks_again:
        message = "It was edited, and is to be reviewed again"
    elif overdue:
        message += ", as nobody decided in time"
    return draft(
        EventType.REVIEW_DECIDED,
        message,
        DecisionData(
            review_id=review.review_id,
            decision=decision.decision,
            version=review.version + (edited is not None),
            decided_by=actor.user_id,
            then=(decision.then or Then.APPROVE) if edited else None,
            overdue=overdue,
        ),
    )


def _decidable(row: TaskRow, review: Review | None, versions: Collection[int] | None) -> Review:
    if review is None:
        raise ConflictError("The task is not under review yet.")
    if row.status != Status.HUMAN_REVIEW_PENDING or review.status != ReviewStatus.OPEN:
        # before the version: when nothing is open, reading the review again is no help
        was = f" ({review.decision} by {review.decided_by})" if review.decision else ""
        again = review.decision == Decision.REJECT and row.status not in TERMINAL
        new = " What was sent back is being made anew; its review comes then." if again else ""
        raise ConflictError(f"The review was already {review.status}{was}.{new}")
    if versions is not None and review.version not in versions:
        named = " or ".join(map(str, sorted(versions)[:_MOST_NAMED]))
        wrong = f"Version {named} is not under review" if named else "That names no version"
        raise StaleVersionError(
            f"{wrong}; the current one is {review.version}. Read the review again and decide anew."
        )
    return review


def _asked_about(
    definition: Definition, request: Any, *, seen: Sequence[Done], history: Sequence[Done]
) -> str:
    """Return the step that a human was asked about.

    Args:
        definition: The workflow, of the version that is known here.
        request: What the task was asked for.
        seen: What was finished when the human looked, in the words of the task's version.
        history: The same in the words of this version, which counts where it calls the step
            otherwise, or makes nothing of the words before.
    """
    with suppress(PlanError):
        if of := definition.reviewed(seen, request):
            return of
    return definition.reviewed(history, request)


def _check_form(definition: Definition, decision: Answer) -> None:
    """Refuse changes that are not of the kind which the workflow takes."""
    if decision.decision is not Decision.EDIT or decision.replaces != definition.takes_edits:
        return
    takes, brings = ("edits", "value") if definition.takes_edits else ("value", "edits")
    raise InvalidRequestError(
        f"An edit of the workflow {definition.name!r} takes `{takes}`, not `{brings}`."
    )


def _brought(decision: Answer) -> list[Any] | None:
    """Return a reviewer's own changes as they are recorded; a value may be nothing, or empty."""
    brought = decision.edits if isinstance(decision.edits, list) else [decision.edits]
    if decision.replaces:
        return brought
    return [
        edit.model_dump(mode="json", exclude_none=True) if isinstance(edit, BaseModel) else edit
        for edit in brought
        if edit is not None
    ] or None


def _decided(review: Review, decision: Answer, actor: Actor) -> RowWrite:
    return Update(
        REVIEWS,
        {"review_id": review.review_id},
        {
            "status": str(ReviewStatus.DECIDED),
            "decision": str(decision.decision),
            "feedback": decision.feedback,
            "edits": _brought(decision),
            "decided_by": actor.user_id,
            "decided_at": NOW,
        },
    )


def _checkpoint(
    row: TaskRow, position: int, review: Review, decision: Answer, *, of: str
) -> RowWrite:
    output = decided_output(of, decision.decision, feedback=decision.feedback, review=review)
    return _finished(row, position, str(Step.HUMAN_REVIEW), output, made_from=review.version)


def _replaced(row: TaskRow, position: int, step: str, output: dict[str, Any]) -> RowWrite:
    """Return what puts a reviewer's own value in the place of what a step gave."""
    return _finished(row, position, step, output, made_from="edited")


def _finished(
    row: TaskRow, position: int, step: str, output: dict[str, Any], *, made_from: Any
) -> RowWrite:
    done = Done(
        position=position, step=step, input_digest=digest([made_from, output]), output=output
    )
    return checkpoint(row.task_id, done, version=row.workflow_version)
