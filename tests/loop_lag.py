"""Measures for how long a piece of work held the event loop."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

STEP_S = 0.002
_APART: list[None] = []
"""One for each that is at work."""


@dataclass(slots=True)
class Lag:
    """The longest that the loop's thread worked without a turn for anybody else.

    In CPU time, so that other processes of a busy machine do not count.
    """

    worst_ms: float = 0.0


@contextmanager
def old_things_apart() -> Iterator[None]:
    """Leave what other tests made out of garbage collections: looking at it all takes its time.

    Within another one it does nothing: what is old is apart already, and collecting it for each
    of a hundred measurements would take most of the test.
    """
    if not _APART:
        gc.collect()
        gc.freeze()
    _APART.append(None)
    try:
        yield
    finally:
        _APART.pop()


@asynccontextmanager
async def loop_lag() -> AsyncIterator[Lag]:
    """Watch the running loop."""
    lag = Lag()

    async def watch() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(STEP_S)
            lag.worst_ms = max(lag.worst_ms, (time.thread_time() - before) * 1000)

    with old_things_apart():
        watcher = asyncio.create_task(watch())
        await asyncio.sleep(STEP_S)
        try:
            yield lag
        finally:
            await asyncio.sleep(2 * STEP_S)
            watcher.cancel()
