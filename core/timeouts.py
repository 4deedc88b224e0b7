"""`asyncio.timeout`, right on the first releases of Python 3.11, too.

Before 3.11.3 (Debian 12 has 3.11.2) a time limit that ran out in a task which was being cancelled
ended in that cancellation instead of a `TimeoutError`: who closes things on the way out, one after
the other, would have skipped the rest.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class CarefulTimeout(asyncio.Timeout):  # type: ignore[misc]  # final for type checkers only
    """A time limit that knows how often its task was cancelled before it began."""

    async def __aenter__(self) -> Self:
        """Begin."""
        await super().__aenter__()
        self._asked = _cancels()
        return self

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
        await super().__aexit__(kind, error, trace)
        if self.expired() and kind is asyncio.CancelledError and _cancels() <= self._asked:
            raise TimeoutError from error


def _cancels() -> int:
    """Return how often the running task was asked to end."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _careful(delay: float | None) -> asyncio.Timeout:
    when = None if delay is None else asyncio.get_running_loop().time() + delay
    return CarefulTimeout(when)


timeout = asyncio.timeout if sys.version_info >= (3, 11, 3) else _careful
