"""A time limit that leaves out the waits for a turn, which the work cannot shorten."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class TimeLimit:
    """Bounds what runs in its context by time, waits in line not counted.

    It cancels nothing by itself: it tells whoever waits for the work, once. There is one for every
    model call, so it is a timer and little more.
    """

    __slots__ = ("_alarm", "_left_s", "_tell", "_waiting")

    def __init__(self, seconds: float) -> None:
        """Take how long; the time does not run yet."""
        self._left_s = seconds
        self._waiting = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._tell: Callable[[], None] | None = None

    def begin(self, tell: Callable[[], None]) -> None:
        """Let the time run.

        Args:
            tell: Called when it is over.
        """
        self._tell = tell
        self._run()

    def end(self) -> None:
        """The work has ended: nothing is told any more."""
        self._tell = None
        self._stop()

    def expire(self) -> None:
        """End the time now."""
        self._stop()
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()

    def context(self) -> Context:
        """Return a copy of the running context in which waits in line are told to this limit."""
        context = copy_context()
        context.run(CURRENT.set, self)
        return context

    def stand_still(self) -> None:
        """Somebody waits in line: the time does not run."""
        self._waiting += 1
        if self._alarm is not None:
            self._left_s = self._alarm.when() - asyncio.get_running_loop().time()
            self._stop()

    def go_on(self) -> None:
        """Somebody waits in line no more; once nobody does, the time runs again."""
        self._waiting -= 1
        if not self._waiting and self._tell is not None:
            self._run()

    def _run(self) -> None:
        self._alarm = asyncio.get_running_loop().call_later(max(0, self._left_s), self.expire)

    def _stop(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


CURRENT: Final[ContextVar[TimeLimit | None]] = ContextVar("time_limit", default=None)
"""The limit that waits in line are told to."""


@contextmanager
def in_line() -> Iterator[None]:
    """Stop the time of the limit that one runs under, if there is any, while one waits in line."""
    limit = CURRENT.get()
    if limit is None:
        yield
        return
    limit.stand_still()
    try:
        yield
    finally:
        limit.go_on()
