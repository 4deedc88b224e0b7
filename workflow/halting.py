"""Ends the writing of all contents when one failure would meet every one of them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from core.errors import ProviderError
from core.time_limit import time_limit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from core.errors import AppError


class Halt:
    """Whether the writing of contents is over before its end, and why.

    Only what is being written is cut off, never the recording of what was: a content that is
    complete stays complete.

    Attributes:
        cause: The failure that would meet every further content; None while there is none.
    """

    def __init__(self) -> None:
        self.cause: AppError | None = None
        self._limits: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def limit(self, seconds: float) -> AsyncIterator[None]:
        """Bound the writing of one content by time, and by the halt.

        Raises:
            TimeoutError: The time is over, or the writing of all was halted.
        """
        async with time_limit(seconds) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def after(self, error: AppError) -> None:
        """Halt everything if the error is one that every further call would meet."""
        if self.cause is not None or not (isinstance(error, ProviderError) and error.stops_task):
            return
        self.cause = error
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())
