"""A time limit that leaves out the waits for a turn, which the work cannot shorten."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


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


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[asyncio.Timeout]:
    """Bound what runs inside by time, as `asyncio.timeout` does, waits in line not counted.

    Raises:
        TimeoutError: The time is over.
    """
    async with asyncio.timeout(seconds) as timeout:
        token = _limit.set(_Limit(timeout))
        try:
            yield timeout
        finally:
            _limit.reset(token)


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
