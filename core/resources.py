"""What a process has open while it runs: closed in the reverse order, whatever fails on the way."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = get_logger(__name__)

CLOSE_S: Final = 15.0
"""How long one part may take to close; a process that stops does not wait for ever."""


class Resources(AsyncExitStack):
    """The open parts of one event loop, as a context: `async with Resources() as resources`.

    Whoever opens something says at once how it is closed. What was opened last, and may need what
    was opened before, is closed first. A part that fails or hangs keeps no other one open.
    """

    def closes(self, close: Callable[[], Awaitable[object] | None]) -> None:
        """Close a part in the loop: by a coroutine, or by a function that does not block."""
        self.push_async_callback(_close, close)

    def closes_in_thread(self, close: Callable[[], object]) -> None:
        """Close a part by a function that blocks."""

        async def blocking() -> None:
            await asyncio.to_thread(close)

        blocking.__qualname__ = getattr(close, "__qualname__", str(close))
        self.closes(blocking)


async def _close(close: Callable[[], Awaitable[object] | None]) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            closing = close()
            if closing is not None:
                await closing
    except Exception:
        log.exception("closing_failed", part=getattr(close, "__qualname__", str(close)))
