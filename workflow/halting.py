"""Ends the writing of all contents when one failure would meet every one of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.provider_errors import ProviderError
from core.time_limit import TimeLimit

if TYPE_CHECKING:
    from types import TracebackType

    from core.errors import AppError


class Cut(TimeLimit):
    """The limit of one content, known to the halt while it is being written."""

    __slots__ = ("_limits",)

    def __init__(self, seconds: float, limits: set[asyncio.Timeout]) -> None:
        """Begin when it is entered.

        Args:
            seconds: How long it may take.
            limits: Of all contents that are being written.
        """
        super().__init__(seconds)
        self._limits = limits

    async def __aenter__(self) -> asyncio.Timeout:
        """Begin."""
        limit = await super().__aenter__()
        self._limits.add(limit)
        return limit

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End.

        Raises:
            TimeoutError: The time is over, or the writing of all was halted.
        """
        self._limits.discard(self._timeout)
        await super().__aexit__(kind, error, trace)


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

    def limit(self, seconds: float) -> Cut:
        """Bound the writing of one content by time, and by the halt.

        Raises:
            TimeoutError: The time is over, or the writing of all was halted.
        """
        return Cut(seconds, self._limits)

    def after(self, error: AppError) -> None:
        """Halt everything if the error is one that every further call would meet."""
        if self.cause is not None or not (isinstance(error, ProviderError) and error.stops_task):
            return
        self.cause = error
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())
