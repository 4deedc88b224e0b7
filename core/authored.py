"""Calls functions of authors' that are no coroutines, and reads what they give.

These are plans, titles, checks of requests. Nobody can cancel such a function, and it has no right
to end a process. So what would do either, `sys.exit()` as much as a `CancelledError`, is an error
of its own code like any other.
"""

from __future__ import annotations

import traceback
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")
T = TypeVar("T")

_MOST_NAMED: Final = 5


class AuthoredError(Exception):
    """What an author's function raised. Its cause is that error, whatever it is."""

    def __init__(self, error: BaseException) -> None:
        """Tell it by its name and its own words, if it can be printed."""
        told = readable(error)
        super().__init__("".join(traceback.format_exception_only(told)).strip())
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


def readable(error: BaseException) -> BaseException:
    """Return an error that can be printed: itself, or another one in its place.

    What prints an error reads its attributes and those of its causes, and a class may raise there.
    """
    try:
        traceback.TracebackException.from_exception(error)
    except Exception as problem:  # noqa: BLE001 - an author's class may raise anything
        return standing_for(error, problem)
    return error


def standing_for(error: BaseException, problem: Exception) -> BaseException:
    """Return what can be printed in the place of an error that cannot be looked at.

    Args:
        error: Whose own attributes, or those of its causes, raise.
        problem: What they raise.
    """
    names = ", from ".join(type(each).__name__ for each in _chain(error))
    told = RuntimeError(
        f"{names} was raised, and it cannot be printed: reading it raises {type(problem).__name__}"
    )
    return told.with_traceback(_own(error, "__traceback__"))


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and what it came from, without asking any of its class."""
    found = [error]
    while len(found) < _MOST_NAMED:
        cause = _own(found[-1], "__cause__")
        cause = _own(found[-1], "__context__") if cause is None else cause
        if cause is None:
            break
        found.append(cause)
    return found


def _own(error: BaseException, name: str) -> Any:
    return BaseException.__getattribute__(error, name)


def plainly(value: T) -> T:
    """Return what a member of an `Enum` stands for, whose `str()` may be its name instead.

    Anything else is returned as it is.
    """
    return value.value if isinstance(value, Enum) else value
