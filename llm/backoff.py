"""What a process makes of "too many requests": fewer calls at a time, then slowly more again.

Additive increase, multiplicative decrease, as TCP does it: every process of the cluster learns of
every slow-down and halves nothing but its own calls, so that together they find what the provider
bears without one of them counting for all.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

DECREASE: Final = 0.7
INCREASE: Final = 2.0
"""Calls at a time that are gained by one full round of successful ones."""
RAMP_PER_S: Final = 20.0
"""After a pause calls begin one after the other, so many a second, instead of all at once."""


class Backoff:
    """How many calls at a time one process may have now.

    Attributes:
        window: How many calls at a time the provider is thought to bear.
        epoch: Counts the slow-downs. Calls that began before one say nothing new: their own
            refusals belong to the same congestion.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self.window = float(most)
        self._resume_at = 0.0
        self.epoch = 0

    def allowed(self) -> int:
        """Return how many calls may run at this moment; 0 during a pause."""
        waited = self._clock() - self._resume_at
        if waited < 0:
            return 0
        ramp = 1 + int(waited * RAMP_PER_S) if self.epoch else self._most
        return max(1, min(int(self.window), ramp))

    def slow_down(self, *, running: int, pause_s: float) -> None:
        """Allow fewer calls than are running now, and none before the pause is over."""
        self.epoch += 1
        self.window = max(1.0, min(self.window, running) * DECREASE)
        self.pause(pause_s)

    def pause(self, pause_s: float) -> None:
        """Begin no call before the pause is over; a longer one that was asked for before stays."""
        self._resume_at = max(self._resume_at, self._clock() + pause_s)

    def succeed(self) -> None:
        """Allow a little more after a call that went well."""
        self.window = min(float(self._most), self.window + INCREASE / self.window)
