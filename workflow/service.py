"""The use cases behind API, command line and Celery tasks: create, accept, cancel a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.errors import (
    ConflictError,
    TaskTimeoutError,
)
from core.states import (
    TERMINAL,
    ReviewStatus,
    Status,
)
from db.ledger import lock_tasks
from db.recorder import record_in
from db.session import transaction
from workflow import outcomes, turns
from workflow.accepting import create_task
from workflow.decisions import decide_review
from workflow.deliveries import accept_delivery
from workflow.doorbell import DEFAULT
from workflow.new_tasks import with_review
from workflow.owners import lock_owned
from workflow.retry import remake, retry_task
from workflow.reviews import cancelled_review, newest_review

if TYPE_CHECKING:
    from uuid import UUID

    from core.actor import Actor

__all__ = [
    "DEFAULT",
    "accept_delivery",
    "cancel_task",
    "create_task",
    "decide_review",
    "remake",
    "retry_task",
    "time_out_task",
    "with_review",
]
_LIMITED: Final = (
    "The task took longer than the time limit of its message, or the one set in Flower; retry"
    " continues where it stopped."
)


async def time_out_task(task_id: UUID) -> None:
    """Fail a task whose run took longer than its message or an operator allows.

    Its worker can write nothing more. A task that is not running is left alone.
    """
    async with transaction() as tx:
        row = (await lock_tasks(tx.session, [task_id])).get(task_id)
        if row is not None and row.status == Status.PROCESSING:
            await record_in(tx, outcomes.failure(row, TaskTimeoutError(_LIMITED)))


async def cancel_task(task_id: UUID, *, actor: Actor, reviewed_version: int | None = None) -> None:
    """Stop a task for good, in whatever non-terminal status it is.

    The row is terminal when this returns: its epoch was raised, so the worker that still runs it
    can write nothing more, and learns of it at its next heartbeat, a second later at most. No
    message is needed for that, so Redis may be down.

    Args:
        task_id: The task.
        actor: Who asks.
        reviewed_version: Cancel only while the review of this version is open, and overdue.

    Raises:
        NotFoundError: No such task for this actor.
        ConflictError: It has ended already, or that review was decided.
    """
    async with transaction() as tx:
        row = await lock_owned(tx, task_id, actor)
        status = Status(row.status)
        if status in TERMINAL:
            raise ConflictError(f"The task is {status} already; there is nothing to cancel.")
        review = await newest_review(tx.session, task_id)
        if reviewed_version is not None and (
            review is None
            or review.status != ReviewStatus.OPEN
            or review.version != reviewed_version
        ):
            raise ConflictError("The review was decided meanwhile.")
        await record_in(
            tx,
            outcomes.cancellation(
                row,
                step=row.current_step,
                by=actor.user_id,
                rows=cancelled_review(review),
                overdue=reviewed_version is not None,
            ),
        )
    turns.call_next()  # a place has become free
