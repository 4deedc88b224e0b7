"""How often Python looks for circles of objects that nobody refers to: more seldom than it would.

What our processes make is freed by counting references, nearly all of it. Each look for circles
walks everything that is alive: a tenth of every start is spent on modules that will stay, and with
thousands of viewers or of calls under way a look stops all of them for a tenth of a second.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 50_000
"""New objects before a look at the young ones; Python's own is 700, or 2,000 from 3.13 on."""
AT_WORK: Final = 200_000
"""Ditto in a worker: its jobs hold thousands of objects each while calls are under way, and looking
four times as often took a thirtieth of a job's time to find one circle a job."""
MIDDLE: Final = 20
"""So many looks at the younger before one at the older, and, once settled, five times that."""


def collect_seldom() -> None:
    """Look for garbage once there may be some."""
    gc.set_threshold(YOUNG, MIDDLE, MIDDLE)


def settle(*, young: int = YOUNG) -> None:
    """Leave out of every look what is there now, at the end of a process's start."""
    gc.set_threshold(young, MIDDLE, 5 * MIDDLE)
    gc.freeze()
