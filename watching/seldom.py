"""Answers that take the database long: asked for so seldom that they take a small share of it."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

SHARE: Final = 0.05
"""Of one connection's time that may go into such an answer, however long it takes."""


class Seldom(Generic[T]):
    """An answer as it was a moment ago, and until when that is good enough."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self._answers: list[T] = []
        self._good_until = float("-inf")
        self._lock = asyncio.Lock()

    async def get(
        self, ask: Callable[[], Awaitable[T]], *, longest_s: float, worth_s: float = 0.0
    ) -> T:
        """Return the answer; whoever asks meanwhile waits for the same one.

        Args:
            ask: Finds it out.
            longest_s: It is not kept for longer.
            worth_s: If it took no longer than this, it is not kept at all.
        """
        async with self._lock:
            began = monotonic()
            if began > self._good_until:
                self._answers = [await ask()]
                took = monotonic() - began
                kept_s = min(longest_s, took / SHARE) if took > worth_s else 0.0
                self._good_until = began + took + kept_s
            return self._answers[0]
