"""Whose task it is, told by whoever sent its message."""

from __future__ import annotations

from typing import Any, Final

from core.errors import InvalidRequestError
from core.visible import cut, is_blank, one_line

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
