"""Ends a storm that hangs so badly that its own loop does not turn any more."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from chaos.report import Report


class Watchdog:
    """Prints what is known, and where each thread is, and ends the program when time is over."""

    def __init__(self, report: Report, *, limit_s: float) -> None:
        self._report = report
        self._limit_s = limit_s
        self._timer = threading.Timer(limit_s, self._bite)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Begin to wait."""
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Wait no longer."""
        self._timer.cancel()

    def _bite(self) -> None:
        faulthandler.dump_traceback(file=sys.stderr)
        self._report.wrong.append(f"the storm hung, and was ended after {self._limit_s:.0f} s")
        print(self._report.text(), flush=True)
        # children end with us: each has asked the kernel for that
        os._exit(1)
