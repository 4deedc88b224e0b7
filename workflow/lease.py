"""A worker's right to work on a task: acquired, checked in every write, released.

`workflow.heartbeat` renews it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import WorkerLostRepeatedlyError
from core.logging import get_logger
from core.settings import get_settings
from core.stages import can_run, is_known
from core.states import RESERVED, Status
from db.answering import answering
from db.ledger import lock_tasks
from db.recorder import record_in
from db.session import Transaction, retrying, transaction
from workflow import turns
from workflow.claim import Claim, Stop, release, request_of, taken
from workflow.claiming import HOPELESS, Apart, claims
from workflow.outcomes import failure
from workflow.registry import can_be_asked_for, definition_of, name_steps, see_named
from workflow.ringing import leave_to_newer_worker
from workflow.turns import DeferredError
from workflow.upgrading import current_history

if TYPE_CHECKING:
    from uuid import UUID

    from db.ledger import TaskRow

__all__ = ["Claim", "DeferredError", "Stop", "acquire", "give_up_if_hopeless", "release"]

log = get_logger(__name__)


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
    if can_be_asked_for(turn.workflow):
        await see_named(definition_of(turn.workflow))
    async with turns.one_of_user(turn.user_id) as alone:
        if alone:
            claim = await claims().take(task_id, turn.user_id, worker)
            if not isinstance(claim, Apart):
                return claim
        async with transaction() as tx:
            return await _acquire_row(tx, task_id, worker, alone=alone)


async def _acquire_row(
    tx: Transaction, task_id: UUID, worker: str, *, alone: bool
) -> Claim | DeferredError | None:
    row = (await lock_tasks(tx.session, [task_id])).get(task_id)
    if row is None or row.leased or row.status not in {Status.PENDING, Status.PROCESSING}:
        return None
    if not can_run(row.workflow, row.workflow_version):
        leave_to_newer_worker(tx, row)
        turns.note_unknown()
        tx.on_commit(turns.call_next)  # for others, before which it stood
        return None
    if row.lease_until is not None:
        if not answering().steady():
            return None  # `maintenance.recover` looks again once its worker could renew the lease
        if await give_up_if_hopeless(tx, row):
            return None
    try:
        return await _acquire_locked(tx, row, worker, alone=alone)
    except HOPELESS as error:
        # otherwise it would be rung for, taken and dropped for ever
        await record_in(tx, failure(row, error))
        return None


async def _acquire_locked(
    tx: Transaction, row: TaskRow, worker: str, *, alone: bool
) -> Claim | DeferredError:
    definition = definition_of(row.workflow)
    request = request_of(row, definition)
    await name_steps(tx, definition)
    if await turns.defer_unless_still_next(tx, row, alone=alone):
        return DeferredError()
    history, upgrade = await current_history(tx.session, row, definition)
    claim, fact = taken(row, worker, request, history, upgrade.rows)
    await record_in(tx, replace(fact, **upgrade.counts), row=row)
    return claim


async def give_up_if_hopeless(tx: Transaction, row: TaskRow) -> bool:
    """Fail a task that has lost MAX_ATTEMPTS workers in a row; tell whether it was so."""
    if row.losses + 1 < get_settings().max_attempts:
        return False
    if not is_known(row.workflow) and row.current_step in RESERVED:
        return False  # nobody here knows a step at which it could fail; it is seen at /admin/queue
    await record_in(tx, failure(row, WorkerLostRepeatedlyError()))
    log.error("task_given_up", task_id=str(row.task_id), losses=row.losses + 1)
    return True
