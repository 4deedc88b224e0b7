"""What processes take: CPU seconds and memory, of a program and all that it started."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNKNOWN: Final = 0.0


def tree(pid: int | None) -> Iterator[psutil.Process]:
    """Yield a process and its descendants."""
    with contextlib.suppress(psutil.Error):
        if pid is not None:
            root = psutil.Process(pid)
            yield from (root, *root.children(recursive=True))


def cpu_s(pid: int | None) -> float:
    """Return the CPU seconds of a process and its descendants, those that have ended included."""
    spent = _UNKNOWN
    for process in tree(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            spent += times.user + times.system
            spent += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return spent


def memory(pid: int | None) -> int:
    """Return their memory in bytes, what they share counted once."""
    taken = 0
    for process in tree(pid):
        with contextlib.suppress(psutil.Error):
            taken += process.memory_full_info().pss
    return taken
