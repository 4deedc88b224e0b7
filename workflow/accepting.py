"""Accepts what is asked for: the task's row, its first event, a ring for a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from core.errors import ConflictError, IdempotencyMismatchError, TooManyTasksError
from core.ids import new_id
from core.settings import get_settings
from core.states import Status
from db.models import RoadmapTask
from db.repositories.user_locks import lock_user
from db.session import Transaction, transaction
from workflow import quotas
from workflow.doorbell import DEFAULT, first_reason
from workflow.new_tasks import TASKS, NewTask, announce_queued, insert_task
from workflow.registry import definition_of

if TYPE_CHECKING:
    from uuid import UUID

    from pydantic import BaseModel

AT_ONCE: Final = 100
"""More requests of one user than this are hardly under way at the same moment."""


async def create_task(
    request: BaseModel,
    *,
    user_id: str,
    workflow: str = DEFAULT,
    task_id: UUID | None = None,
    idempotency_key: str | None = None,
    asks_review: bool = True,
) -> UUID:
    """Accept a request: the row, its first event, and after the commit a ring for a worker.

    Args:
        request: What is asked for, in the workflow's shape.
        workflow: The name of the workflow that is to do it.
        user_id: Who asks, and will own the task.
        task_id: Its id, if the caller has chosen one already.
        idempotency_key: Of the same user the same key with the same request is the same task.
        asks_review: Whether its reviews are asked; else each is taken as approved.

    Returns:
        The task's id; the earlier one's when this request was made before.

    Raises:
        IdempotencyMismatchError: The key was used for another request.
        TooManyTasksError: USER_MAX_WAITING_TASKS of the user wait already.
        QuotaExceededError: It is one too many in 24 hours.
    """
    new = NewTask.of(
        definition_of(workflow), request, task_id or new_id(), user_id, asks_review=asks_review
    )
    async with transaction() as tx:
        await _check_waiting_tasks(tx, user_id, idempotency_key)
        if await insert_task(tx, new, idempotency_key=idempotency_key):
            await quotas.check_user(tx.session, user_id)
            await announce_queued(tx, new.task_id, rings=first_reason(workflow))
            return new.task_id
        earlier = await _earlier(tx, new.task_id, user_id, idempotency_key)
    if earlier.workflow != workflow or earlier.request_digest != new.digest:
        raise IdempotencyMismatchError
    return earlier.task_id


async def _earlier(
    tx: Transaction, task_id: UUID, user_id: str, idempotency_key: str | None
) -> RoadmapTask:
    by_key = select(RoadmapTask).where(
        RoadmapTask.user_id == user_id, RoadmapTask.idempotency_key == idempotency_key
    )
    found = (await tx.session.scalars(by_key)).one_or_none() if idempotency_key else None
    found = found or await tx.session.get(RoadmapTask, task_id)
    if found is None or found.user_id != user_id:
        raise ConflictError(f"The id {task_id} is taken.")
    return found


async def _check_waiting_tasks(tx: Transaction, user_id: str, idempotency_key: str | None) -> None:
    limit = get_settings().user_max_waiting_tasks
    mine = select(func.count()).where(TASKS.c.user_id == user_id)
    waiting = mine.where(TASKS.c.status == Status.PENDING)
    if not limit or (await tx.session.scalar(waiting) or 0) + AT_ONCE < limit:
        return
    await lock_user(tx.session, user_id)  # close to the limit one request at a time is counted
    if (await tx.session.scalar(waiting) or 0) < limit:
        return
    repeated = idempotency_key and await tx.session.scalar(
        mine.where(TASKS.c.idempotency_key == idempotency_key)
    )
    if not repeated:
        raise TooManyTasksError(
            f"{limit} of your tasks wait for their turn, and more are not taken;"
            " wait for one to start or cancel one."
        )
