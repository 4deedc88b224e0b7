"""How much of the fault tests to run: enough for each change, or all of them.

`FAULTS=all` runs every test on both pools (`make chaos` sets it); without it a test that differs
little between the pools runs on one of them.
"""

from __future__ import annotations

import os
from typing import Final

import pytest

WHOLE_SET: Final = os.environ.get("FAULTS") == "all"
whole_set_only = pytest.mark.skipif(not WHOLE_SET, reason="runs with FAULTS=all (make chaos)")


def pools(*short: str) -> list[str]:
    """Return the pools to run a test on: the given ones, or both in the whole set."""
    return ["threads", "prefork"] if WHOLE_SET else list(short)
