"""SIGINT and SIGTERM as something the supervisor's one loop can wait for."""

from __future__ import annotations

import os
import select
import signal
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from types import FrameType

_WATCHED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequestedError(Exception):
    """Somebody asked us to stop before everything was up."""


class StopSignals:
    """Counts requests to stop and wakes who waits, while it is entered. Main thread only.

    SIGHUP counts too: a closed terminal must not leave a stack behind. SIGCHLD only wakes.
    """

    def __init__(self) -> None:
        """Nothing is installed before `__enter__`."""
        self.count = 0
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        os.set_blocking(self._read, False)
        self._before: dict[signal.Signals, Any] = {}
        self._fd_before = -1

    @property
    def requested(self) -> bool:
        """Whether somebody asked us to stop."""
        return self.count > 0

    def check(self) -> None:
        """Go no further once somebody asked us to stop.

        Raises:
            StopRequestedError: Somebody did.
        """
        if self.requested:
            raise StopRequestedError

    def wait(self, timeout_s: float) -> None:
        """Return after the time, or sooner when a signal came or a child ended."""
        if select.select([self._read], [], [], timeout_s)[0]:
            os.read(self._read, 4096)

    def __enter__(self) -> Self:
        """Install the handlers."""
        self._fd_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in _WATCHED:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started by nohup: we are to outlive the terminal
            self._before[number] = signal.signal(number, self._count)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _only_wake)
        return self

    def __exit__(self, *_error: object) -> None:
        """Put back what was there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)
        os.close(self._read)
        os.close(self._write)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the wake-up descriptor has been written to."""
