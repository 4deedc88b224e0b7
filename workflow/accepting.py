"""Accepts what is asked for: the task's row, its first event, a ring for a worker.

Nearly every request is counted, written and committed together with those that come at the same
moment. One that a limit may refuse has a transaction to itself, in which it is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, text

from core.errors import (
    AlreadyThereError,
    ConflictError,
    IdempotencyMismatchError,
    TooManyTasksError,
)
from core.gathering import Gathering
from core.ids import new_id
from core.loop_local import LoopLocal
from core.settings import get_settings
from db.facts import Fact
from db.models import RoadmapTask
from db.raw import raw_statements
from db.recorder import record
from db.repositories.user_locks import lock_user
from db.session import Transaction, transaction
from workflow import quotas
from workflow.doorbell import DEFAULT, first_reason
from workflow.new_tasks import TASKS, NewTask, announce_queued, insert_task, queued, row_of
from workflow.registry import definition_of, see_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from pydantic import BaseModel

    from core.gathering import Asked

_WAITING: Final = """
    SELECT user_id, count(*) FROM roadmap_tasks
    WHERE user_id = ANY($1::text[]) AND status = 'pending' GROUP BY user_id
"""


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
    with quotas.one_of(user_id) as others:
        if await _far_from_limit(user_id, others) and await quotas.far_from(user_id, others):
            await see_named(definition_of(workflow))
            return await _create_with_others(new, idempotency_key)
        return await _create_alone(new, idempotency_key, others)


async def _far_from_limit(user_id: str, others: Callable[[], int]) -> bool:
    """Tell whether one more of a user's tasks may wait, whatever else is under way."""
    limit = get_settings().user_max_waiting_tasks
    if not limit:
        return True
    waiting = await _counts.get().ask(user_id)
    return waiting + others() < limit


async def _count_all(asked: Sequence[Asked[str, int]]) -> list[int]:
    async with raw_statements() as raw:
        counts = dict(await raw.fetch(_WAITING, list({each.item for each in asked})))
    return [counts.get(each.item, 0) for each in asked]


_counts: Final[LoopLocal[Gathering[str, int]]] = LoopLocal(lambda: Gathering(_count_all))


async def _create_with_others(new: NewTask, idempotency_key: str | None) -> UUID:
    """Make the row of a task together with whatever else is pending."""
    try:
        await record(
            Fact(
                task_id=new.task_id,
                creates={**row_of(new), "idempotency_key": idempotency_key},
                rings=first_reason(new.workflow),
                events=(queued(),),
            )
        )
    except AlreadyThereError:
        async with transaction() as tx:
            earlier = await _earlier(tx, new.task_id, new.user_id, idempotency_key)
        return _same(earlier, new)
    return new.task_id


async def _create_alone(
    new: NewTask, idempotency_key: str | None, others: Callable[[], int]
) -> UUID:
    """Make the row of a task that a limit may refuse."""
    user_id, workflow = new.user_id, new.workflow
    async with transaction() as tx:
        await _check_waiting_tasks(tx, user_id, idempotency_key, others)
        if await insert_task(tx, new, idempotency_key=idempotency_key):
            await quotas.check_user(tx.session, user_id)
            await announce_queued(tx, new.task_id, rings=first_reason(workflow))
            return new.task_id
        earlier = await _earlier(tx, new.task_id, user_id, idempotency_key)
    return _same(earlier, new)


def _same(earlier: RoadmapTask, new: NewTask) -> UUID:
    """Return the task that was made of the same request before.

    Raises:
        IdempotencyMismatchError: It was another request.
    """
    if earlier.workflow != new.workflow or earlier.request_digest != new.digest:
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


async def _check_waiting_tasks(
    tx: Transaction, user_id: str, idempotency_key: str | None, others: Callable[[], int]
) -> None:
    limit = get_settings().user_max_waiting_tasks
    mine = select(func.count()).where(TASKS.c.user_id == user_id)
    waiting = mine.where(text("status = 'pending'"))  # spelled out, as in its index
    if not limit or (await tx.session.scalar(waiting) or 0) + others() < limit:
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
