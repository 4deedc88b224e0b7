"""Accepts what is asked for: the task's row, its first event, a ring for a worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.digest import digest
from core.errors import (
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    QuotaExceededError,
    TaskExpiredError,
    TooManyTasksError,
)
from core.ids import new_id
from core.logging import get_logger
from core.request_shapes import parse_request, storable
from core.settings import get_settings
from core.states import (
    Status,
    Step,
)
from core.visible import cut
from db.facts import Fact
from db.ledger import lock_tasks
from db.models import RoadmapTask
from db.recorder import record_in
from db.repositories.turns import lock_user
from db.session import Transaction, retrying, transaction
from db.task_changes import timestamp
from notifications.events import EventType
from workflow import outcomes, quotas
from workflow.doorbell import DEFAULT, first_reason
from workflow.drafts import draft
from workflow.limits import request_problem
from workflow.owners import check_owner, nearest_owner
from workflow.registry import definition_of, name_steps

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from pydantic import BaseModel
    from sqlalchemy import Table

    from db.facts import Reason
    from workflow.definition import Definition

    Times = tuple[datetime | None, datetime | None]  # not before, not later

log = get_logger(__name__)

TASKS: Final = cast("Table", RoadmapTask.__table__)
_LONGEST_TITLE: Final = 2000
AT_ONCE: Final = 100
"""More requests of one user than this are hardly under way at the same moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _New:
    """A task that may become a row."""

    task_id: UUID
    user_id: str
    workflow: str
    version: int
    title: str
    body: dict[str, Any]
    asks_review: bool = True

    @classmethod
    def of(
        cls,
        definition: Definition,
        request: BaseModel,
        task_id: UUID,
        user_id: str,
        *,
        asks_review: bool = True,
    ) -> _New:
        """Return the task that a valid request asks for.

        Raises:
            InvalidRequestError: It fits its shape and cannot be stored all the same.
        """
        body = request.model_dump(mode="json")
        if (problem := request_problem(body)) is not None:
            raise InvalidRequestError(f"The request {problem}.")
        return cls(
            task_id=task_id,
            user_id=user_id,
            workflow=definition.name,
            version=definition.version,
            title=_title_of(definition, request),
            body=body,
            asks_review=asks_review,
        )

    @property
    def digest(self) -> str:
        """Names all that is asked for."""
        return digest(self.body if self.asks_review else [self.body, "no review"])


def _title_of(definition: Definition, request: BaseModel) -> str:
    """Return what people call a task; by its workflow, where the author's own title fails."""
    try:
        title = str(definition.title(request)).strip()
    except Exception:
        log.exception("title_failed", workflow=definition.name)
        title = ""
    return cut(storable(title), _LONGEST_TITLE) or definition.name.replace("_", " ")


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
    new = _New.of(
        definition_of(workflow), request, task_id or new_id(), user_id, asks_review=asks_review
    )
    async with transaction() as tx:
        await _check_waiting_tasks(tx, user_id, idempotency_key)
        if await _insert(tx, new, idempotency_key=idempotency_key):
            await quotas.check_user(tx.session, user_id)
            await _announce_queued(tx, new.task_id, rings=first_reason(workflow))
            return new.task_id
        earlier = await _earlier(tx, new.task_id, user_id, idempotency_key)
    if earlier.workflow != workflow or earlier.request_digest != new.digest:
        raise IdempotencyMismatchError
    return earlier.task_id


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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a message asks for, as it came."""

    request: Any
    workflow: str
    review: Any

    def new(self, task_id: UUID, user_id: Any) -> _New:
        """Return the task.

        Raises:
            InvalidRequestError: Something in it is not valid.
        """
        definition, owner = definition_of(self.workflow), check_owner(user_id)
        if self.review is not None and not isinstance(self.review, bool):
            raise InvalidRequestError("review must be true or false.")
        asks, wanted = self.review is not False, with_review(definition, self.request, self.review)
        valid = parse_request(definition.request, wanted)
        return _New.of(definition, valid, task_id, owner, asks_review=asks)


async def _accept(task_id: UUID, user_id: Any, asked: _Asked, times: Times) -> bool:
    try:
        new = asked.new(task_id, user_id)
    except InvalidRequestError as error:
        return not await _reject(task_id, nearest_owner(user_id), asked, error)
    owner, (starts_at, expires_at) = new.user_id, times
    async with transaction() as tx:
        if await _insert(tx, new, times=times, delivered=True):
            await _announce_queued(tx, task_id, rings=None, starts_at=starts_at)
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


def with_review(definition: Definition, request: Any, review: bool | None) -> Any:  # noqa: FBT001
    """Return a request that says by itself whether a review is wanted, where it can say so."""
    says_so = "review" in definition.request.model_fields
    if review is None or not says_so or not isinstance(request, dict):
        return request
    return {**request, "review": review}


async def _insert(
    tx: Transaction,
    new: _New,
    *,
    idempotency_key: str | None = None,
    times: Times = (None, None),
    delivered: bool = False,
) -> bool:
    starts_at, expires_at = times
    await name_steps(tx, definition_of(new.workflow))
    statement = (
        insert(TASKS)
        .values(
            task_id=new.task_id,
            user_id=new.user_id,
            workflow=new.workflow,
            title=new.title,
            goal=new.title,
            request=new.body,
            status=Status.PENDING,
            current_step=Step.QUEUED,
            workflow_version=new.version,
            idempotency_key=idempotency_key,
            request_digest=new.digest,
            asks_review=new.asks_review,
            starts_at=starts_at,
            expires_at=expires_at,
            rung_at=func.clock_timestamp() if delivered else None,  # a worker looks at it already
        )
        .on_conflict_do_nothing()
        .returning(TASKS.c.task_id)
    )
    return (await tx.session.execute(statement)).first() is not None


async def _announce_queued(
    tx: Transaction,
    task_id: UUID,
    *,
    rings: Reason | None,
    starts_at: datetime | None = None,
) -> None:
    waits = "for a worker" if starts_at is None else f"until {timestamp(starts_at)}"
    queued = draft(EventType.TASK_QUEUED, f"The task was accepted and waits {waits}")
    await record_in(tx, Fact(task_id=task_id, rings=rings, events=(queued,)))


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


async def _reject(task_id: UUID, user_id: str, asked: _Asked, error: InvalidRequestError) -> bool:
    """Write a failed row that says why, unless there is a row already; tell whether it was so."""
    request, workflow = asked.request, asked.workflow
    goal = storable(str(request.get("goal", ""))[:2000]) if isinstance(request, dict) else ""
    error = InvalidRequestError(storable(error.message))  # it may quote names of fields
    new = _New(
        task_id=task_id,
        user_id=user_id,
        workflow=workflow,
        version=definition_of(workflow).version,
        title=goal,
        body={"goal": goal} if goal else {},
    )
    async with transaction() as tx:
        if await _insert(tx, new, delivered=True):
            await _announce_queued(tx, task_id, rings=None)
            row = (await lock_tasks(tx.session, [task_id]))[task_id]
            await record_in(tx, outcomes.failure(row, error))
            return True
    return False
