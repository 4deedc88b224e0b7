"""Rings again for rows that wait: those whose ring was lost, and those whose turn has come."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from core.logging import get_logger
from core.states import Status
from db.facts import Fact, Recorded
from db.ledger import lock_tasks
from db.recorder import record_all_in
from db.session import transaction
from workflow import doorbell
from workflow.doorbell import reason_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from db.ledger import TaskRow
    from db.session import Transaction


log = get_logger(__name__)

PASSED_ON: Final = 0.75
"""How often a ring that only a newer worker understands is passed on. Not always: where there is
none it has to end. Not never: idle workers take messages in turns, and it could be the same one
that hears each ring of `recover`."""


async def ring_again(task_ids: Sequence[UUID], *, still: Callable[[TaskRow], bool]) -> int:
    """Ring for those of the tasks that wait for a worker, in one transaction for all of them.

    Args:
        task_ids: The tasks; one whose row is locked at this moment is left to whoever holds it.
        still: Whether a locked row is still to be rung for, or somebody was quicker.

    Returns:
        How many were rung for.
    """
    if not task_ids:
        return 0
    async with transaction() as tx:
        rows = await lock_tasks(tx.session, task_ids, skip_locked=True)
        # in the order asked for, which is the order in which they come to the queue
        found = [rows[task_id] for task_id in task_ids if task_id in rows]
        waiting = [row for row in found if _waits(row) and still(row)]
        facts = [Fact(task_id=row.task_id, rings=reason_for(row)) for row in waiting]
        outcomes = await record_all_in(tx, facts)
    return sum(isinstance(outcome, Recorded) for outcome in outcomes)


def _waits(row: TaskRow) -> bool:
    return row.status in {Status.PENDING, Status.PROCESSING} and row.lease_until is None


def leave_to_newer_worker(tx: Transaction, row: TaskRow) -> None:
    """Pass the ring on, mostly; where that ends without one `recover` rings again."""
    log.warning("task_left_to_newer_worker", task_id=str(row.task_id), version=row.workflow_version)
    if random.random() < PASSED_ON:  # noqa: S311 - no secret
        at = row.rung_at or row.created_at
        ring = doorbell.Ring(
            task_id=row.task_id, reason=reason_for(row), at=at, workflow=row.workflow
        )
        tx.on_commit(lambda: doorbell.ring(ring))
