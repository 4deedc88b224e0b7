"""(prefork) Children whose event loop stands still: told to the main process, which ends them.

The main process turns on whatever its children do, and Celery starts another child only when one
ends. A child says through a pipe, which it inherits, what holds up its loop, and when it turns
again. One that stands for too long is killed: its tasks go on in another, as after any crash.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from celery import signals

from core import loop_watchdog
from core.logging import get_logger
from core.pulse import REPLACE_S, STANDS_S

log = get_logger(__name__)

_MOST: Final = 600
"""Characters of what is told: a line that fits into a pipe is written in one piece."""
_READ: Final = 65536


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A child whose loop stands still: since when, by the machine's clock, and what holds it up."""

    pid: int
    since: float
    by: str


class Children:
    """The children that stand still, as the main process knows them."""

    def __init__(self, *, end_s: float = STANDS_S + REPLACE_S) -> None:
        """Open the pipe; children that are forked from now on can write to it.

        Args:
            end_s: How long a child's loop may stand still.
        """
        self._end_s = end_s
        self._standing: dict[int, Standing] = {}
        self._rest = b""
        self._from, self._to = os.pipe()
        for end in (self._from, self._to):
            os.set_blocking(end, False)

    def tell(self, by: str, *, pid: int | None = None) -> None:
        """(in a child) Say what holds up the loop; nothing when it turns again."""
        line = json.dumps([os.getpid() if pid is None else pid, by[:_MOST]]).encode() + b"\n"
        with suppress(BlockingIOError):  # nobody reads: the main process is stopped
            os.write(self._to, line)

    def look(self) -> Standing | None:
        """Return the child that has stood still the longest; end those that did for too long."""
        self._read()
        now = time.time()
        for child in list(self._standing.values()):
            if not _lives(child.pid):
                del self._standing[child.pid]
            elif now - child.since >= self._end_s:
                log.error("child_ended_for_standing_still", child=child.pid, held_up_by=child.by)
                os.kill(child.pid, signal.SIGKILL)
        return min(self._standing.values(), key=lambda child: child.since, default=None)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while read := os.read(self._from, _READ):
                self._rest += read
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            pid, by = json.loads(line)
            self._standing.pop(pid, None)
            if by:
                since = time.time() - loop_watchdog.BLOCKED_S
                self._standing[pid] = Standing(pid=pid, since=since, by=by)


def _lives(pid: int) -> bool:
    """Tell whether a process runs and is a child of this one: ids are given out again."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


_children: list[Children] = []


def watch_children() -> None:
    """(in the main process, before it forks) Let its children tell when they stand still."""
    _children.append(Children())


def standing_still() -> Standing | None:
    """Return the child of this process that has stood still the longest, if one does."""
    return _children[0].look() if _children else None


def _in_child(**_: object) -> None:
    if _children:
        loop_watchdog.observers.append(_children[0].tell)


signals.worker_process_init.connect(_in_child)
