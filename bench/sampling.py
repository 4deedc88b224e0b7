"""Looks at a worker's event loop hundreds of times a second: which of our modules it is in.

A tracing profiler would make small functions look dear; samples cost what they measure next to
nothing. A moment in a library counts for the module of ours that called it.
"""

from __future__ import annotations

import atexit
import json
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.places import ROOT

if TYPE_CHECKING:
    from types import FrameType

EVERY_S: Final = 0.002
LOOP_THREAD: Final = "event-loop"
_IDLE: Final = frozenset({"EpollSelector.select", "Runner.run"})
"""Where a loop that waits has its thread: asyncio's, and uvloop's, which has no frames."""
_OWN: Final = f"{ROOT}/"


def sample_into(place: str) -> None:
    """Begin to look, in a thread of its own; the counts go into a file when the program ends."""
    counts: Counter[str] = Counter()

    def look() -> None:
        while True:
            time.sleep(EVERY_S)
            loop = next((t for t in threading.enumerate() if t.name == LOOP_THREAD), None)
            frame = sys._current_frames().get(loop.ident or 0) if loop else None  # noqa: SLF001
            if frame is not None:
                counts[where(frame)] += 1

    def tell() -> None:
        Path(place).write_text(json.dumps(counts), "utf-8")

    threading.Thread(target=look, name="sampler", daemon=True).start()
    atexit.register(tell)


def where(frame: FrameType | None) -> str:
    """Return the module of ours that a stack is in; `idle` when it waits."""
    if frame is not None and frame.f_code.co_qualname in _IDLE:
        return "idle"
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_OWN) and "site-packages" not in file:
            return file.removeprefix(_OWN).removesuffix(".py")
        frame = frame.f_back
    return "the event loop itself"
