"""Ends the writing of all contents when one failure would meet every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.provider_errors import ProviderError
from core.time_limit import TimeLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.errors import AppError


class Cut(TimeLimit):
    """The limit of one content, known to the halt while it is being written."""

    __slots__ = ("_limits",)

    def __init__(self, seconds: float, limits: set[Cut]) -> None:
        """Take how long.

        Args:
            seconds: How long it may take.
            limits: Of all contents that are being written.
        """
        super().__init__(seconds)
        self._limits = limits

    def begin(self, tell: Callable[[], None]) -> None:
        """Let the time run."""
        self._limits.add(self)
        super().begin(tell)

    def end(self) -> None:
        """The work has ended: nothing is told any more."""
        self._limits.discard(self)
        super().end()


class Halt:
    """Whether the writing of contents is over before its end, and why.

    Only what is being written is cut off, never the recording of what was: a content that is
    complete stays complete.

    Attributes:
        cause: The failure that would meet every further content; None while there is none.
    """

    def __init__(self) -> None:
        self.cause: AppError | None = None
        self._limits: set[Cut] = set()

    def limit(self, seconds: float) -> Cut:
        """Return what bounds the writing of one content by time, and by the halt."""
        return Cut(seconds, self._limits)

    def after(self, error: AppError) -> None:
        """Halt everything if the error is one that every further call would meet."""
        if self.cause is not None or not (isinstance(error, ProviderError) and error.stops_task):
            return
        self.cause = error
        for limit in tuple(self._limits):
            limit.expire()
