"""What a process has open while it runs: closed in the reverse order, whatever fails on the way."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core import timeouts
from core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractAsyncContextManager

log = get_logger(__name__)

CLOSE_S: Final = 15.0
"""How long one part may take to close; a process that stops does not wait for ever."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A part of a process, and how it is opened and closed in the process's loop.

    Attributes:
        name: What logs call it.
        open: A function that does not block, or one that returns a coroutine; None when the part is
            made by whoever uses it first.
        close: Ditto; None when there is nothing to close.
        close_blocks: `close` blocks, so a thread calls it.
        during: Instead of the other two: the part is a context.
    """

    name: str
    open: Callable[[], Any] | None = None
    close: Callable[[], Any] | None = None
    close_blocks: bool = False
    during: Callable[[], AbstractAsyncContextManager[object]] | None = None


class Resources(AsyncExitStack):
    """The open parts of one event loop, as a context: `async with Resources() as resources`.

    What was opened last, and may need what was opened before, is closed first. A part that fails
    or hangs while it closes keeps no other one open.
    """

    async def open(self, parts: Iterable[Resource]) -> None:
        """Open parts one after the other."""
        for part in parts:
            if part.during is not None:
                inner = AsyncExitStack()
                await inner.enter_async_context(part.during())
                self.push_async_callback(_close, part.name, inner.aclose, blocks=False)
            if part.close is not None:
                self.push_async_callback(_close, part.name, part.close, blocks=part.close_blocks)
            if part.open is not None:
                await _called(part.open)


async def _called(function: Callable[[], Any]) -> None:
    result = function()
    if inspect.isawaitable(result):
        await result


async def _close(name: str, close: Callable[[], Any], *, blocks: bool) -> None:
    try:
        async with timeouts.timeout(CLOSE_S):
            await (asyncio.to_thread(close) if blocks else _called(close))
    except Exception:
        log.exception("closing_failed", part=name)
