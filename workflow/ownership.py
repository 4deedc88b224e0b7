"""Checks whose task it is: somebody else's is reported as not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import NotFoundError
from db.ledger import TaskRow, lock_tasks

if TYPE_CHECKING:
    from uuid import UUID

    from core.actor import Actor
    from db.session import Transaction


async def lock_owned(tx: Transaction, task_id: UUID, actor: Actor) -> TaskRow:
    """Lock a task that the actor may see, until the transaction ends.

    This is the one look at whose it is: a stranger's request locks nothing and waits for nothing.

    Raises:
        NotFoundError: There is none, or it is somebody else's.
    """
    owner = None if actor.admin else actor.user_id
    row = (await lock_tasks(tx.session, [task_id], owner=owner)).get(task_id)
    if row is None:
        raise NotFoundError(f"There is no task {task_id}.")
    return row
