"""Whether this worker takes messages, told by its consumer to all of its processes.

A process that lives, and answers, may still take nothing: its consumer hangs, cannot keep its
connection, or has left its queues. The main process has the consumer, prefork's children have the
loops that tell others of the worker; so the time is kept where both can see it.
"""

from __future__ import annotations

import mmap
import struct
import time
from typing import Any, Final

from celery import signals

STALE_S: Final = 15.0
STEADY_S: Final = 2.5
"""A connection counts only once it has lasted for so long."""
_TIME: Final = struct.Struct("d")

_turned = mmap.mmap(-1, _TIME.size)


def turned() -> None:
    """Note that the consumer's loop went round, connected and listening to all its queues."""
    _turned[:] = _TIME.pack(time.monotonic())


def consuming() -> bool:
    """Tell whether it has turned lately; the clock is the same for all processes."""
    (at,) = _TIME.unpack(_turned[:])
    return time.monotonic() - float(at) < STALE_S


def _begin(**_: Any) -> None:
    turned()  # it counts as consuming while it connects for the first time


signals.worker_init.connect(_begin)
