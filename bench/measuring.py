"""How things are measured: repeated, warm, side by side; carry over the ratios."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

REPETITIONS: Final = 5


async def median(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Return the medians of wall and CPU seconds of some work, after a run that does not count."""
    await work()
    walls, cpus = [], []
    for _ in range(REPETITIONS):
        wall, cpu = time.perf_counter(), time.process_time()
        await work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


def table(title: str, rows: Mapping[str, tuple[float, float]], *, per: int, unit: str) -> None:
    """Print wall and CPU time by name, and how many times the best one's wall time it is."""
    best = min(wall for wall, _ in rows.values())
    print(f"\n{title} (median of {REPETITIONS}, {per} {unit})")
    print(f"  {'':44} {'ms each':>9} {'CPU ms':>9} {'ratio':>7}")
    for name, (wall, cpu) in rows.items():
        print(f"  {name:44} {wall / per * 1e3:9.3f} {cpu / per * 1e3:9.3f} {wall / best:6.1f}x")
