"""A time limit that leaves out the waits for a turn, which the work cannot shorten."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Token
    from types import TracebackType


@dataclass(slots=True)
class _Limit:
    timeout: asyncio.Timeout
    waiting: int = 0
    left_s: float = 0.0

    def stand_still(self) -> None:
        self.waiting += 1
        when = self.timeout.when()
        if self.waiting == 1 and when is not None and not self.timeout.expired():
            self.left_s = when - asyncio.get_running_loop().time()
            self.timeout.reschedule(None)

    def go_on(self) -> None:
        self.waiting -= 1
        # somebody may have ended the time meanwhile
        if not self.waiting and self.timeout.when() is None and not self.timeout.expired():
            self.timeout.reschedule(asyncio.get_running_loop().time() + self.left_s)


_limit: ContextVar[_Limit | None] = ContextVar("time_limit", default=None)


class TimeLimit(AbstractAsyncContextManager[asyncio.Timeout]):
    """A class, since one is entered for every model call, and a generator takes twice as long."""

    __slots__ = ("_seconds", "_timeout", "_token")
    _timeout: asyncio.Timeout
    _token: Token[_Limit | None]

    def __init__(self, seconds: float) -> None:
        """Begin when it is entered."""
        self._seconds = seconds

    async def __aenter__(self) -> asyncio.Timeout:
        """Begin."""
        self._timeout = await timeouts.timeout(self._seconds).__aenter__()
        self._token = _limit.set(_Limit(self._timeout))
        return self._timeout

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End.

        Raises:
            TimeoutError: The time is over.
        """
        _limit.reset(self._token)
        await self._timeout.__aexit__(kind, error, trace)


def time_limit(seconds: float) -> TimeLimit:
    """Bound what runs inside by time, as `asyncio.timeout` does, waits in line not counted.

    Raises:
        TimeoutError: The time is over.
    """
    return TimeLimit(seconds)


@contextmanager
def in_line() -> Iterator[None]:
    """Stop the time of the limit that one runs under, if there is any, while one waits in line."""
    limit = _limit.get()
    if limit is None:
        yield
        return
    limit.stand_still()
    try:
        yield
    finally:
        limit.go_on()
