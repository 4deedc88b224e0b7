"""Puts a process's clock wrong by CHAOS_SKEW_S seconds: Python imports this before all else."""

import os
import time

_RIGHT = time.time
_SKEW_S = float(os.environ.get("CHAOS_SKEW_S", "0"))


def _wrong() -> float:
    return _RIGHT() + _SKEW_S


time.time = _wrong
