"""Measures how long the event loop was blocked: everything else in the process waits meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from prometheus_client import Histogram

from core.logging import get_logger
from core.loop_local import LoopLocal
from core.loop_watchdog import Watchdog

log = get_logger(__name__)

STEP_S: Final = 0.5
"""How often it is looked at."""
WORTH_TELLING_S: Final = 0.5
LAG: Final = Histogram(
    "roadmap_event_loop_lag_seconds",
    "How much later than asked for the event loop came back, looked at twice a second.",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


async def _watch() -> None:
    loop = asyncio.get_running_loop()
    watchdog = Watchdog()
    try:
        while True:
            due = loop.time() + STEP_S
            await asyncio.sleep(STEP_S)
            watchdog.beat()
            late = max(0.0, loop.time() - due)
            LAG.observe(late)
            if late > WORTH_TELLING_S:
                log.warning("event_loop_blocked", seconds=round(late, 3))
    finally:
        watchdog.end()


_watchers: Final[LoopLocal[asyncio.Task[None]]] = LoopLocal(lambda: asyncio.ensure_future(_watch()))


def watch_loop() -> None:
    """Watch the running loop from now on; calling it again does nothing."""
    _watchers.get()


async def leave_loop() -> None:
    """Stop watching the running loop."""
    watcher = _watchers.pop()
    if watcher is not None:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher
