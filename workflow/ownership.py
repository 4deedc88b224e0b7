"""Checks whose task it is: somebody else's is reported as not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import NotFoundError
from db.ledger import TaskRow, lock_tasks

if TYPE_CHECKING:
    from uuid import UUID

    from db.session import Transaction
    from workflow.actor import Actor


async def lock_owned(tx: Transaction, task_id: UUID, actor: Actor) -> TaskRow:
    """Lock a task that the actor may see, until the transaction ends.

    Raises:
        NotFoundError: There is none, or it is somebody else's.
    """
    row = (await lock_tasks(tx.session, [task_id])).get(task_id)
    if row is None or not actor.may_see(row.user_id):
        raise NotFoundError(f"There is no task {task_id}.")
    return row
