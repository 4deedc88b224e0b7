"""Calls functions of authors' that are no coroutines, and reads what they give.

These are plans, titles, checks of requests. Nobody can cancel such a function, and it has no right
to end a process. So what would do either, `sys.exit()` as much as a `CancelledError`, is an error
of its own code like any other.
"""

from __future__ import annotations

import traceback
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")
T = TypeVar("T")


class AuthoredError(Exception):
    """What an author's function raised. Its cause is that error, whatever it is."""

    def __init__(self, error: BaseException) -> None:
        """Tell it by its name and its own words, if it can be printed."""
        super().__init__("".join(traceback.format_exception_only(error)).strip())
        self.kind = type(error).__name__


def call(function: Callable[..., R], /, *arguments: object, **named: object) -> R:
    """Return what an author's function gives.

    Raises:
        AuthoredError: It raised anything at all.
    """
    try:
        return function(*arguments, **named)
    except BaseException as error:
        raise AuthoredError(error) from error


def plainly(value: T) -> T:
    """Return what a member of an `Enum` stands for, whose `str()` may be its name instead.

    Anything else is returned as it is.
    """
    return value.value if isinstance(value, Enum) else value
