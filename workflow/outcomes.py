"""How a task ends: the facts of completion, partial failure, failure and cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from core.ids import new_id
from core.stages import stages_of
from core.states import ContentStatus, Status, Step
from core.usage import Usage
from db.facts import NOW, Fact, Insert, Update
from db.models import Notification
from notifications.events import CancelData, EventType, FailureData, OutcomeData
from notifications.inbox_entry import InboxKind
from workflow.drafts import counted, draft, spoken, stored_error
from workflow.parts import PARTS
from workflow.registry import definition_of

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Table

    from core.errors import AppError
    from db.facts import RowWrite

NOTIFICATIONS: Final = cast("Table", Notification.__table__)


class Subject(Protocol):
    """What is known of a task that ends: a locked row, or a claim."""

    @property
    def task_id(self) -> UUID:
        """The task."""
        ...

    @property
    def user_id(self) -> str:
        """Its owner."""
        ...

    @property
    def workflow(self) -> str:
        """The name of what it runs."""
        ...


def notification(
    subject: Subject, kind: InboxKind, message: str, *, by: str | None = None
) -> RowWrite:
    """Return an entry for the owner's inbox, committed with the fact it tells.

    Args:
        subject: The task.
        kind: What is told.
        message: In words.
        by: Whose act it tells; the owner's own is nothing that they have yet to read.
    """
    return Insert(
        NOTIFICATIONS,
        {
            "notification_id": new_id(),
            "user_id": subject.user_id,
            "task_id": subject.task_id,
            "kind": str(kind),
            "message": message,
            "read_at": NOW if by == subject.user_id else None,
        },
    )


def notices_settled(task_id: UUID) -> tuple[RowWrite, ...]:
    """Return what marks read what was told of a task's reviews: none of them waits any more."""
    return tuple(
        Update(
            NOTIFICATIONS,
            {"task_id": task_id, "kind": str(kind), "read_at": None},
            {"read_at": NOW},
        )
        for kind in (InboxKind.REVIEW_REQUIRED, InboxKind.REVIEW_REMINDER)
    )


def nothing_runs(task_id: UUID) -> tuple[RowWrite, ...]:
    """Return what makes parts wait that were being made: nobody makes them now."""
    running = {"task_id": task_id, "status": str(ContentStatus.RUNNING)}
    return (Update(PARTS, running, {"status": str(ContentStatus.PENDING)}),)


def failure(
    subject: Subject,
    error: AppError,
    *,
    step: str | None = None,
    epoch: int | None = None,
    usage: Usage | None = None,
) -> Fact:
    """Return the fact that a task failed.

    Args:
        subject: The task.
        error: Why; its code and message are shown to people.
        step: The step that failed; by default the row's own, or the first when none had begun.
        epoch: The lease's epoch when a worker says so.
        usage: What was spent on the way.
    """
    at = step or str(getattr(subject, "current_step", ""))
    stages = stages_of(subject.workflow)
    if stages.steps and at not in stages.steps:
        at = stages.first
    message = f"The task failed at {spoken(at)}: {error.message}"
    return Fact(
        task_id=subject.task_id,
        epoch=epoch,
        status=Status.FAILED,
        step=at,
        changes={"error": {**stored_error(error), "step": at}},
        rows=(
            *nothing_runs(subject.task_id),
            notification(subject, InboxKind.TASK_FAILED, message),
        ),
        events=(
            draft(
                EventType.TASK_FAILED,
                message,
                FailureData(code=error.code, error=error.message, step=at),
            ),
        ),
        usage=usage or Usage(),
    )


def completion(subject: Subject, *, epoch: int, parts: int) -> Fact:
    """Return the fact that everything was made."""
    message = definition_of(subject.workflow).finished(parts)
    return Fact(
        task_id=subject.task_id,
        epoch=epoch,
        status=Status.COMPLETED,
        step=Step.COMPLETED,
        rows=(notification(subject, InboxKind.TASK_COMPLETED, message),),
        events=(draft(EventType.TASK_COMPLETED, message, OutcomeData(completed=parts, failed=0)),),
    )


def partial_failure(
    subject: Subject,
    *,
    epoch: int,
    step: str,
    completed: int,
    failed: int,
    cause: AppError | None = None,
) -> Fact:
    """Return the fact that some parts failed and the rest is usable.

    Args:
        subject: The task.
        epoch: The lease's.
        step: The step that makes the parts.
        completed: How many parts can be read.
        failed: How many cannot.
        cause: What stopped the writing of all of them, if one thing did.
    """
    noun = definition_of(subject.workflow).parts[step].noun
    message = f"{counted(failed, noun)} of {completed + failed} failed; the rest is usable"
    if cause is not None:
        message += f". {cause.message}"
    return Fact(
        task_id=subject.task_id,
        epoch=epoch,
        status=Status.PARTIAL_FAILURE,
        step=step,
        rows=(notification(subject, InboxKind.TASK_PARTIALLY_FAILED, message),),
        events=(
            draft(
                EventType.TASK_PARTIALLY_FAILED,
                message,
                OutcomeData(completed=completed, failed=failed),
            ),
        ),
    )


def cancellation(
    subject: Subject, *, step: str, by: str, rows: tuple[RowWrite, ...], overdue: bool = False
) -> Fact:
    """Return the fact that a task was stopped; the epoch is raised, so its worker is fenced off.

    Args:
        subject: The task.
        step: Where it stood.
        by: Who asked for it.
        rows: What is written beside it.
        overdue: Nobody asked: its review was not decided in time.
    """
    data = CancelData(by=by, step=step, overdue=overdue)
    message = f"The task was cancelled at {spoken(step)}"
    if overdue:
        message += ": nobody decided in time"
    return Fact(
        task_id=subject.task_id,
        status=Status.CANCELLED,
        step=step,
        changes={"epoch": getattr(subject, "epoch", 0) + 1},
        rows=(
            *nothing_runs(subject.task_id),
            *rows,
            notification(subject, InboxKind.TASK_CANCELLED, message, by=by),
        ),
        events=(
            draft(EventType.TASK_CANCEL_REQUESTED, "Cancellation was requested", data),
            draft(EventType.TASK_CANCELLED, message, data),
        ),
    )
