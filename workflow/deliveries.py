"""Accepts tasks that another program only sent as a message: valid or not, each gets a row."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import (
    AlreadyThereError,
    InvalidRequestError,
    QuotaExceededError,
    TaskExpiredError,
)
from core.request_shapes import parse_request, storable
from db.facts import NOW, Fact
from db.ledger import lock_tasks
from db.recorder import record, record_in
from db.repositories.tasks import statuses_of
from db.session import read_session, retrying, transaction
from workflow import outcomes, quotas
from workflow.doorbell import DEFAULT
from workflow.drafts import spoken
from workflow.new_tasks import NewTask, announce_queued, insert_task, queued, row_of, with_review
from workflow.owners import check_owner, nearest_owner
from workflow.registry import definition_of, see_named

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from workflow.new_tasks import Times


async def accept_delivery(
    task_id: UUID,
    *,
    user_id: Any,
    request: Any,
    workflow: str = DEFAULT,
    review: Any = None,
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> bool:
    """Make sure that a delivered task has a row: another program may have sent only the message.

    A request that is not valid gets a row too, a failed one that says why, so that whoever asks
    for the task sees it.

    Args:
        task_id: The task.
        user_id: Who owns it, as the sender says.
        request: What is asked for, ditto.
        workflow: The name of the workflow that is to do it.
        review: False for a task whose reviews are taken as approved.
        starts_at: It waits in its row until then.
        expires_at: It fails if it has not begun by then.

    Returns:
        Whether there is something to run.

    Raises:
        ServiceUnavailableError: The database kept failing; only the message knows of the task yet.
    """
    times = (starts_at, expires_at)
    asked = _Asked(request, workflow, review)
    return await retrying(lambda: _accept(task_id, user_id, asked, times))


async def is_there(task_id: UUID) -> bool:
    """Tell whether a task has a row."""

    async def read() -> bool:
        async with read_session() as session:
            return task_id in await statuses_of(session, [task_id])

    return await retrying(read)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a message asks for, as it came."""

    request: Any
    workflow: str
    review: Any

    def new(self, task_id: UUID, user_id: Any) -> NewTask:
        """Return the task.

        Raises:
            InvalidRequestError: Something in it is not valid.
        """
        definition, owner = definition_of(self.workflow), check_owner(user_id)
        if self.review is not None and not isinstance(self.review, bool):
            raise InvalidRequestError("review must be true or false.")
        asks, wanted = self.review is not False, with_review(definition, self.request, self.review)
        valid = parse_request(definition.request, wanted)
        return NewTask.of(definition, valid, task_id, owner, asks_review=asks)


async def _accept(task_id: UUID, user_id: Any, asked: _Asked, times: Times) -> bool:
    try:
        new = asked.new(task_id, user_id)
    except InvalidRequestError as error:
        return not await _reject(task_id, nearest_owner(user_id), asked, error)
    with quotas.one_of(new.user_id) as others:
        if times == (None, None) and await quotas.far_from(new.user_id, others):
            await see_named(definition_of(new.workflow))
            await _accept_plain(new)
            return True
        return await _accept_bound(new, times)


async def _accept_bound(new: NewTask, times: Times) -> bool:
    """Make the row of a task that has its times, or that a limit may refuse; tell if it may run."""
    task_id, owner, (starts_at, expires_at) = new.task_id, new.user_id, times
    async with transaction() as tx:
        if await insert_task(tx, new, times=times, delivered=True):
            await announce_queued(tx, task_id, rings=None, starts_at=starts_at)
            row = (await lock_tasks(tx.session, [task_id]))[task_id]
            if expires_at is not None and expires_at <= row.now:
                await record_in(tx, outcomes.failure(row, TaskExpiredError()))
                return False
            try:
                await quotas.check_user(tx.session, owner)
            except QuotaExceededError as error:  # nobody waits for an answer: the row tells
                await record_in(tx, outcomes.failure(row, error))
                return False
    return True


async def _accept_plain(new: NewTask) -> None:
    """Make the row of a task that only has to be there, together with whatever else is pending."""
    with suppress(AlreadyThereError):
        await record(
            Fact(
                task_id=new.task_id,
                creates=row_of(new),
                changes={"rung_at": NOW},  # a worker looks at it already
                events=(queued(),),
            )
        )


async def _reject(task_id: UUID, user_id: str, asked: _Asked, error: InvalidRequestError) -> bool:
    """Write a failed row that says why, unless there is a row already; tell whether it was so."""
    request, workflow = asked.request, asked.workflow
    goal = storable(str(request.get("goal", ""))[:2000]) if isinstance(request, dict) else ""
    error = InvalidRequestError(storable(error.message))  # it may quote names of fields
    new = NewTask(
        task_id=task_id,
        user_id=user_id,
        workflow=workflow,
        version=definition_of(workflow).version,
        title=goal or ("" if workflow == DEFAULT else spoken(workflow)),
        body={"goal": goal} if goal else {},
    )
    async with transaction() as tx:
        if await insert_task(tx, new, delivered=True):
            await announce_queued(tx, task_id, rings=None)
            row = (await lock_tasks(tx.session, [task_id]))[task_id]
            await record_in(tx, outcomes.failure(row, error))
            return True
    return False
