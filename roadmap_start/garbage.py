"""How often Python looks for cycles that nobody refers to."""

from __future__ import annotations

import gc
from typing import Final

OBJECTS: Final = 50_000
"""New ones between two looks. With Python's own 700 a tenth of every start is spent on looking at
modules that will stay, and a server with many viewers stops for each look."""


def collect_seldom() -> None:
    """Look for garbage once there may be some."""
    gc.set_threshold(OBJECTS, 20, 20)
