"""Reads a stream one event ahead, so that its silence can be noticed without losing an event."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from roadmap_client import Event


class Ahead:
    """A stream of events of which the next one is being read already.

    Args:
        events: The stream; nobody else reads it.
    """

    def __init__(self, events: AsyncGenerator[Event]) -> None:
        """Nothing is read before it is waited for."""
        self._events = events
        self._reading: asyncio.Task[Event | None] | None = None

    async def came(self, *, within_s: float) -> bool:
        """Wait for the next event, or for the end; return whether there is one to take.

        Raises:
            RoadmapError: The stream broke.
        """
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._next())
        # reading goes on behind the caller's back when it takes longer, or is interrupted
        done, _ = await asyncio.wait({self._reading}, timeout=within_s)
        if done:
            self._reading.result()
        return bool(done)

    def take(self) -> Event | None:
        """Return the event that came; None when the stream is over."""
        reading, self._reading = self._reading, None
        return None if reading is None else reading.result()

    async def aclose(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._reading
        await self._events.aclose()

    async def _next(self) -> Event | None:
        return await anext(self._events, None)
