"""Collects garbage more seldom than Python does by itself.

What our processes make is freed by counting references, nearly all of it. Each look for circles
walks everything that is alive: with thousands of viewers or of calls under way that stops all of
them for a tenth of a second, again and again.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 50_000
"""New objects before a look at the young ones; Python's own is 700, or 2,000 from 3.13 on."""
MIDDLE, OLD = 20, 100
"""So many looks at the younger before one at the older."""


def settle() -> None:
    """Leave out of every collection what is there now, at a process's start; then look seldom."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    gc.freeze()
