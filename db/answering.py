"""Whether PostgreSQL has been answering: what expired while it was silent has an excuse.

A database that is frozen for longer than a lease leaves all leases expired, though their workers
live; each of them renews its own within a second once it is back. So nobody takes a task for lost
until the database has been answering for a while.
"""

from __future__ import annotations

import asyncio
from typing import Final

from core.loop_local import LoopLocal
from core.settings import get_settings

EVERY_S: Final = 1.0
"""How often a worker's process asks."""
SETTLE_S: Final = 5.0
"""After an interruption so long a time is left to workers, to say that they live."""


class Answering:
    """What one process knows of it."""

    def __init__(self) -> None:
        self._answered_at: float | None = None
        self._settled_at = 0.0

    def answered(self) -> None:
        """Say that an answer came just now."""
        now = asyncio.get_running_loop().time()
        if self._interrupted(now):
            self._settled_at = now + min(SETTLE_S, get_settings().lease_s)
        self._answered_at = now

    def steady(self) -> bool:
        """Tell whether there was no interruption lately; yes where nobody asks."""
        now = asyncio.get_running_loop().time()
        return not self._interrupted(now) and now >= self._settled_at

    def _interrupted(self, now: float) -> bool:
        longest = EVERY_S + get_settings().lease_s / 3
        return self._answered_at is not None and now - self._answered_at > longest


_answering: Final = LoopLocal(Answering)


def answering() -> Answering:
    """Return what the running loop's process knows of it."""
    return _answering.get()
