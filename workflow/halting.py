"""Ends the writing of all contents when one failure would meet every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.provider_errors import ProviderError
from core.time_limit import TimeLimit

if TYPE_CHECKING:
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
        self._limits: set[TimeLimit] = set()

    def limit(self, seconds: float) -> TimeLimit:
        """Return what bounds the writing of one content by time, and by the halt, until it ends."""
        limit = TimeLimit(seconds)
        self._limits.add(limit)
        return limit

    def ended(self, limit: TimeLimit) -> None:
        """Forget the limit of a content that is not written any more."""
        self._limits.discard(limit)

    def after(self, error: AppError) -> None:
        """Halt everything if the error is one that every further call would meet."""
        if self.cause is not None or not (isinstance(error, ProviderError) and error.stops_task):
            return
        self.cause = error
        for limit in tuple(self._limits):
            limit.expire()
