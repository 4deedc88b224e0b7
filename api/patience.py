"""Gives up a peer that takes nothing for too long, without a timer for each message.

Nearly all messages go into the socket at once; a timer that is set and cancelled for each of them
costs as much as the sending itself.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

from core import timeouts

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import TracebackType

LOOKS: Final = 8
"""How often one looks within the time that a peer has."""


class Patience:
    """A block within which nothing that is sent may take longer than a limit.

    Leaving it raises TimeoutError when something did.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._limit = timeouts.timeout(None)
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        """Begin to look."""
        await self._limit.__aenter__()
        self._look()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        await self._limit.__aexit__(kind, error, trace)

    async def sent(self, sending: Awaitable[None]) -> None:
        """Wait until something is sent."""
        self._since = asyncio.get_running_loop().time()
        await sending
        self._since = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if self._since is not None and loop.time() - self._since >= self._limit_s:
            self._limit.reschedule(loop.time())
        else:
            self._timer = loop.call_later(self._limit_s / LOOKS, self._look)
