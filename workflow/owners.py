"""Whose task it is: as its message says, and for whoever wants to do something to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from core.errors import InvalidRequestError, NotFoundError
from core.visible import cut, is_blank, one_line
from db.ledger import TaskRow, lock_tasks

if TYPE_CHECKING:
    from uuid import UUID

    from core.actor import Actor
    from db.session import Transaction

LONGEST: Final = 255
UNKNOWN: Final = "unknown"
"""Owns failed tasks whose sender named nobody; admins see them."""


def check_owner(user_id: Any) -> str:
    """Return the user's id if it is one.

    Raises:
        InvalidRequestError: It is no text, empty, too long, or has characters that nobody sees.
    """
    if not isinstance(user_id, str):
        raise InvalidRequestError("user_id must be a text; send it in quotes.")
    if is_blank(user_id):
        raise InvalidRequestError("user_id must not be empty.")
    if len(user_id) > LONGEST:
        raise InvalidRequestError(f"user_id must not be longer than {LONGEST} characters.")
    if one_line(user_id) != user_id:
        raise InvalidRequestError("user_id must not hold line breaks or characters nobody sees.")
    return user_id


def nearest_owner(user_id: Any) -> str:
    """Return whom a task is shown to whose owner cannot be told for certain."""
    if isinstance(user_id, bool) or not isinstance(user_id, str | int) or user_id == "":
        return UNKNOWN
    # a number of thousands of digits is no text either
    text = str(user_id) if isinstance(user_id, str) or abs(user_id) < 10**LONGEST else ""
    if is_blank(text[: 10 * LONGEST]):
        return UNKNOWN
    return cut(one_line(text[: 10 * LONGEST]), LONGEST)


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
