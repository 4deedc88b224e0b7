"""Workers that live while nothing in them moves: told, and replaced when it does not pass.

A function that blocks holds up the event loop of its worker, and with it everything there. The
process does not end by that, so nobody would start it again. (A prefork worker replaces its own
children, and says which one stands still.)
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.pulse import REPLACE_S, STALE_S, STANDS_S, read_pulses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from cli.child import Child
    from core.pulse import Pulse

ADVICE: Final = "Code that blocks belongs into a function without `async`, which runs in a thread"
_LOOK_S: Final = 2.0


@dataclass(slots=True)
class _Seen:
    """A standstill: since when the loop has not turned, and when we saw it first."""

    loop_at: float
    first: float
    replaced: bool = False


class Standstills:
    """Looks at what the workers of a stack say of themselves, every other second.

    Args:
        folder: Where they write it.
        say: Tells people what happened, one line each.
        replace_s: How long a worker may stand still after it was told.
    """

    def __init__(
        self, folder: Path, *, say: Callable[[str], None], replace_s: float = REPLACE_S
    ) -> None:
        """Nothing stands still yet."""
        self._folder = folder
        self._say = say
        self._replace_s = replace_s
        self._seen: dict[int, _Seen] = {}
        self._told: dict[int, float] = {}
        """By worker: since when the child stands still that was told of last."""
        self._due = 0.0

    def tend(self, children: Iterable[Child]) -> None:
        """Tell of a worker that stands still, once, and kill it when that does not pass."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + _LOOK_S
        pulses = {pulse.pid: pulse for pulse in read_pulses(self._folder)}
        living = {child.pid: child for child in children if child.pid is not None}
        self._seen = {pid: seen for pid, seen in self._seen.items() if pid in living}
        for pid, child in living.items():
            if pid in pulses:
                self._look(child, pulses[pid])

    def _look(self, child: Child, pulse: Pulse) -> None:
        remark = pulse.remark(time.time())
        if remark is not None and self._told.get(pulse.pid) != pulse.child_since:
            self._told[pulse.pid] = pulse.child_since
            self._say(f"{child.spec.name}: {remark}. {ADVICE}")
        seen = self._seen.get(pulse.pid)
        # By the worker's own clock, and only while it speaks: a process that is stopped from
        # outside, with its whole machine or by a debugger, is no matter of its code.
        stands = pulse.at - pulse.loop_at > STANDS_S and time.time() - pulse.at <= STALE_S
        if not stands or (seen is not None and seen.loop_at != pulse.loop_at):
            self._seen.pop(pulse.pid, None)
            return
        name = child.spec.name
        if seen is None:
            self._seen[pulse.pid] = _Seen(pulse.loop_at, time.monotonic())
            by = pulse.held_up_by or "something"
            self._say(
                f"{name} stands still: {by} holds up its event loop. {ADVICE}. In"
                f" {self._replace_s:.0f} s the worker is replaced, and its tasks go on elsewhere"
            )
        elif not seen.replaced and time.monotonic() - seen.first >= self._replace_s:
            seen.replaced = True
            self._say(f"{name} still stands still; it is replaced")
            child.kill()
