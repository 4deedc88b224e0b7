"""Who waits for something new of one task, and when they are told.

One timer serves all who wait: a thousand viewers would set and cancel one each for every event. A
crowd is told of several events together, since waking it takes as long as the events need to come.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from watching.seat import Seat

GRAIN_S: Final = 0.05
"""How exactly heartbeats and ends of credentials are kept."""
CROWD: Final = 200
"""So many viewers of one process are told of several events at a time, …"""
PACE_S: Final = 0.02
"""… at most so often for each task."""


@dataclass(slots=True)
class Crowd:
    """All who watch anything in this process: what waking them costs is everybody's time."""

    size: int = 0


class Waiting:
    """Those who wait for one task's news."""

    def __init__(self, crowd: Crowd, serve: Callable[[Seat], bool]) -> None:
        """Nobody waits yet.

        Args:
            crowd: Everybody who waits in this process.
            serve: Hands a viewer what is new; returns False when it has to be woken for that.
        """
        self._crowd = crowd
        self._serve = serve
        self._until: dict[asyncio.Future[None], float] = {}
        self._seats: dict[asyncio.Future[None], Seat] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._soon: asyncio.TimerHandle | None = None

    async def wait(self, seat: Seat) -> None:
        """Wait until there is something for the viewer to do, or for a while."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        until = self._until[waiter] = loop.time() + seat.patience_s()
        self._seats[waiter] = seat
        if self._alarm is None or until < self._alarm.when():
            self._wake_at(until)
        try:
            await waiter
        finally:
            del self._until[waiter], self._seats[waiter]

    def tell(self) -> None:
        """Hand everybody now what is new, and wake those who cannot be handed it."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        for waiter, seat in self._seats.items():
            if not waiter.done() and not self._serve(seat):
                waiter.set_result(None)

    def tell_soon(self) -> None:
        """Tell everybody: a few at once, a crowd within `PACE_S`."""
        if self._crowd.size < CROWD:
            self.tell()
        else:
            self.tell_within(PACE_S)

    def tell_within(self, seconds: float) -> None:
        """Tell everybody after so long, or sooner when that is planned already."""
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        if self._soon is None or self._soon.when() > at:
            if self._soon is not None:
                self._soon.cancel()
            self._soon = loop.call_at(at, self.tell)

    def close(self) -> None:
        """Tell nobody any more."""
        for timer in (self._alarm, self._soon):
            if timer is not None:
                timer.cancel()

    def _wake_at(self, moment: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(moment, self._wake_late)

    def _wake_late(self) -> None:
        """Release those who have waited for long enough; look again when the next one has."""
        self._alarm = None
        now = asyncio.get_running_loop().time()
        for waiter, until in self._until.items():
            if until <= now:
                _release(waiter)
        rest = [until for waiter, until in self._until.items() if not waiter.done()]
        if rest:
            self._wake_at(max(min(rest), now + GRAIN_S))


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
