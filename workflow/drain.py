"""A process that is about to stop: steps end, nothing new begins."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from core import timeouts
from core.loop_local import LoopLocal


class DrainedError(Exception):
    """The workflow stopped at a safe place because its worker is stopping."""


class Drain:
    """Whether this process is stopping; asked between steps and before each part."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    @property
    def begun(self) -> bool:
        """The process is stopping."""
        return self._begun.is_set()

    def begin(self) -> None:
        """From now on nothing new begins."""
        self._begun.set()

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the process is to stop.

        Raises:
            DrainedError: It is.
        """
        with suppress(TimeoutError):
            async with timeouts.timeout(seconds):
                await self._begun.wait()
        self.check()

    def check(self) -> None:
        """Stop here if the process is stopping.

        Raises:
            DrainedError: It is.
        """
        if self.begun:
            raise DrainedError


_drains: LoopLocal[Drain] = LoopLocal(Drain)


def drain() -> Drain:
    """Return the running loop's drain."""
    return _drains.get()
