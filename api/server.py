"""uvicorn's server, without its looking ten times a second whether it shall stop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import uvicorn

from core import timeouts

if TYPE_CHECKING:
    from types import FrameType

DATE_S: Final = 1.0
"""How often the `Date` of answers is made anew, as uvicorn does it."""


class Server(uvicorn.Server):
    """Woken by the signal that ends it: an idle API costs a third of what it would."""

    _loop: asyncio.AbstractEventLoop | None = None
    _asked: asyncio.Event

    async def main_loop(self) -> None:
        """Serve until a signal asks for the end."""
        self._asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with timeouts.timeout(DATE_S):
                    await self._asked.wait()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal, and wake the loop: it sleeps while nobody asks for anything."""
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._asked.set)
