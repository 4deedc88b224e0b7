"""A worker's right to work on a task: acquired, checked in every write, released.

`workflow.heartbeat` renews it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from core import telemetry
from core.errors import (
    InvalidRequestError,
    PlanError,
    TaskExpiredError,
    UnexpectedError,
    UnreadableRecordError,
    UpgradeError,
    WorkerLostRepeatedlyError,
)
from core.logging import get_logger
from core.settings import get_settings
from core.stages import is_known
from core.states import RESERVED, Status, Step
from core.usage import Usage
from db.answering import answering
from db.facts import Fact, Reason
from db.ledger import lock_tasks
from db.life import life
from db.recorder import record, record_in
from db.session import Transaction, retrying, transaction
from notifications.events import EventType
from workflow import turns
from workflow.budget import Budget
from workflow.drafts import draft
from workflow.outcomes import failure
from workflow.registry import can_run, definition_of, name_steps
from workflow.ringing import leave_to_newer_worker
from workflow.stored import reading
from workflow.trying import as_ours
from workflow.upgrading import current_history

if TYPE_CHECKING:
    from uuid import UUID

    from db.facts import EventDraft
    from db.ledger import TaskRow
    from workflow.definition import Definition
    from workflow.history import Done

log = get_logger(__name__)

_PLANNED: Final = frozenset({Step.HUMAN_REVIEW, Step.COMPLETED})
"""What a plan may name besides the workflow's own steps."""
_HOPELESS: Final = (
    *(TaskExpiredError, UnreadableRecordError, InvalidRequestError),
    *(PlanError, UpgradeError, UnexpectedError),
)
"""What every worker that takes the task would meet."""
_TOOK_OVER: Final = (
    "A worker took over: the one before was lost, or the database did not answer it for long"
)


class DeferredError(Exception):
    """Others come first: the task was put off, and is rung for when its turn has come."""


class Stop(StrEnum):
    """Why a workflow is stopped from outside."""

    LOST = "lost"
    AWAY = "away"
    """The database did not answer for as long as the lease, so others may have taken over."""
    DRAIN = "drain"


@dataclass(slots=True)
class Claim:
    """A task that this process holds, and what it was when it was taken."""

    task_id: UUID
    epoch: int
    user_id: str
    definition: Definition
    request: Any
    """In the shape of the workflow's request model."""
    history: list[Done]
    budget: Budget
    asks_review: bool = True
    """Whether its reviews are asked; else each is taken as approved."""
    title: str = ""
    """What people call the task."""
    attempt: int = 1
    """1, and one more with each retry."""
    worker: str = ""
    kept: dict[str, Any] = field(default_factory=dict, repr=False)
    """What its steps leave in memory for those that follow."""
    continues: str | None = None
    """Where in which trace the task was worked on before."""
    stop: Stop | None = None
    stopped: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def workflow(self) -> str:
        """The name of what it runs."""
        return self.definition.name

    def next_step(self, *, then: Done | None = None) -> str:
        """Return the step that follows this claim's history, and one more step if given.

        Raises:
            PlanError: It is a step that the workflow does not have.
        """
        history = self.history if then is None else [*self.history, then]
        step = str(self.definition.next_step(history, self.request))
        if step not in _PLANNED and step not in self.definition.stages.steps:
            raise PlanError(
                f"The plan of {self.workflow!r} names the step {step[:80]!r}, which it does not"
                " have; mend it, then retry the task."
            )
        return step


async def acquire(task_id: UUID, *, worker: str) -> Claim | None:
    """Take a task, or return None when there is nothing to do or somebody else does it.

    Duplicate, late and early deliveries all end here. Taking over a task whose worker went silent
    counts as a loss, as `maintenance.recover` would.

    Raises:
        DeferredError: It is not the task's turn.
    """
    claim = await retrying(lambda: _acquire(task_id, worker))
    if isinstance(claim, DeferredError):
        turns.DEFERRED.inc()
        raise claim
    return claim


async def _acquire(task_id: UUID, worker: str) -> Claim | DeferredError | None:
    turn = await turns.look_at(task_id)
    if turn is None:
        return None
    if turn.put_off:
        return DeferredError()
    async with turns.one_of_user(turn.user_id) as alone, transaction() as tx:
        return await _acquire_row(tx, task_id, worker, alone=alone)


async def _acquire_row(
    tx: Transaction, task_id: UUID, worker: str, *, alone: bool
) -> Claim | DeferredError | None:
    row = (await lock_tasks(tx.session, [task_id])).get(task_id)
    if row is None or row.leased or row.status not in {Status.PENDING, Status.PROCESSING}:
        return None
    if not can_run(row.workflow, row.workflow_version):
        leave_to_newer_worker(tx, row)
        return None
    if row.lease_until is not None:
        if not answering().steady():
            return None  # `maintenance.recover` looks again once its worker could renew the lease
        if await give_up_if_hopeless(tx, row):
            return None
    try:
        return await _acquire_locked(tx, row, worker, alone=alone)
    except _HOPELESS as error:
        # otherwise it would be rung for, taken and dropped for ever
        await record_in(tx, failure(row, error))
        return None


async def _acquire_locked(
    tx: Transaction, row: TaskRow, worker: str, *, alone: bool
) -> Claim | DeferredError:
    if row.expired:
        raise TaskExpiredError
    definition = definition_of(row.workflow)
    await name_steps(tx, definition)
    try:
        request = definition.request.model_validate(row.request)
    except ValidationError:
        raise InvalidRequestError("The stored request is invalid.") from None
    if await turns.defer_unless_still_next(tx, row, alone=alone):
        return DeferredError()
    taken_over, held = row.lease_until is not None, life().held
    history, rows = await current_history(tx.session, row, definition)
    claim = Claim(
        task_id=row.task_id,
        epoch=row.epoch + 1,
        user_id=row.user_id,
        definition=definition,
        request=request,
        history=history,
        asks_review=row.asks_review,
        budget=Budget(Usage.of(row), definition.budget_tokens),
        title=row.title or row.goal,
        attempt=row.attempt,
        worker=worker,
        continues=row.traceparent,
    )
    step = _planned(claim)
    await record_in(
        tx,
        Fact(
            task_id=row.task_id,
            status=Status.PROCESSING,
            step=Step.RESUMING if step in RESERVED else step,
            changes={
                "epoch": claim.epoch,
                "lease_owner": worker,
                "lease_until": row.now + timedelta(seconds=get_settings().lease_s),
                "life": held,
                "life_epoch": None if held is None else claim.epoch,
                "losses": row.losses + taken_over,
                "recovered": False,
                "deferred_at": None,
                "traceparent": telemetry.position(),
                "started_at": row.started_at or row.now,
                **({"workflow_version": definition.version} if rows else {}),
            },
            rows=rows,
            events=tuple(_taken_events(row, recovered=taken_over or row.recovered)),
        ),
        row=row,
    )
    return claim


def _planned(claim: Claim) -> str:
    """Return what is to be done first.

    Raises:
        UnreadableRecordError: The plan understands nothing of what is stored.
        PlanError: It names no step.
        UnexpectedError: It raised something else.
    """
    try:
        with reading("its finished steps"):
            return claim.next_step()
    except Exception as error:
        raise as_ours(error) from error


def _taken_events(row: TaskRow, *, recovered: bool) -> list[EventDraft]:
    events = []
    if row.started_at is None:
        events.append(draft(EventType.TASK_STARTED, "A worker started the task"))
    if recovered:
        events.append(draft(EventType.TASK_RECOVERED, _TOOK_OVER))
    return events


async def give_up_if_hopeless(tx: Transaction, row: TaskRow) -> bool:
    """Fail a task that has lost MAX_ATTEMPTS workers in a row; tell whether it was so."""
    if row.losses + 1 < get_settings().max_attempts:
        return False
    if not is_known(row.workflow) and row.current_step in RESERVED:
        return False  # nobody here knows a step at which it could fail; it is seen at /admin/queue
    await record_in(tx, failure(row, WorkerLostRepeatedlyError()))
    log.error("task_given_up", task_id=str(row.task_id), losses=row.losses + 1)
    return True


async def release(claim: Claim) -> None:
    """Give a task back unfinished, and ask for another worker, so that it goes on at once.

    The epoch is raised, so that nothing of this run can be written any more.

    Raises:
        LeaseLostError: It was not ours any more.
    """
    await record(
        Fact(
            task_id=claim.task_id,
            epoch=claim.epoch,
            step=Step.RESUMING,
            changes={"lease_owner": None, "lease_until": None, "epoch": claim.epoch + 1},
            rings=Reason.RESUME,
        )
    )
    log.info("lease_released", task_id=str(claim.task_id), epoch=claim.epoch)
