"""Names the code that blocks the event loop while it does: a thread looks whether the loop beats.

While a loop is blocked everything else in the process waits, heartbeats included, and nothing on
the loop can say by whom. The thread can: it sees where the loop's own thread stands.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from prometheus_client import Counter

from core.frames import stands_at
from core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

log = get_logger(__name__)

BLOCKED_S: Final = 1.0
"""How long a loop may not beat before its code is named."""
LOOK_S: Final = 0.25
"""How often a blocked loop is looked at, to say when it turns again."""
_FRAMES: Final = 12
_WAITING: Final = frozenset({selectors.__file__, asyncio.runners.__file__})
"""Where a loop's thread stands while the loop waits: asyncio's; uvloop's, which has no frames."""
_BOUND: Final = "structlog_"
BLOCKED: Final = Counter(
    "roadmap_event_loop_blocked_total",
    "Times that code blocked the event loop for a second or more, and was named in the log.",
)


_holding: dict[int, str] = {}
"""By the loop's thread: what holds it up now."""


_watched: Final[WeakSet[Watchdog]] = WeakSet()


def has_beaten(*, within_s: float) -> bool:
    """Tell whether a loop is watched in this process, and all that are have turned lately."""
    beats = [watchdog.beaten for watchdog in list(_watched)]
    return bool(beats) and time.monotonic() - min(beats) <= within_s


observers: Final[list[Callable[[str], None]]] = []
"""Called from the watchdog's thread with what holds a loop up; with nothing when it turns again."""


def held_up_by() -> str:
    """Return what holds up an event loop of this process now, with its file; else nothing."""
    return next(iter(list(_holding.values())), "")


class Watchdog:
    """Watches one event loop from a thread of its own."""

    def __init__(self) -> None:
        """Watch the running loop, once it has beaten."""
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self.beaten = time.monotonic()
        """When it last turned, by the monotonic clock."""
        self._ended = threading.Event()
        _watched.add(self)
        threading.Thread(target=self._watch, name="loop-watchdog", daemon=True).start()

    def beat(self) -> None:
        """Say that the loop goes round."""
        self.beaten = time.monotonic()

    def end(self) -> None:
        """Watch no longer."""
        self._ended.set()
        _watched.discard(self)

    def _watch(self) -> None:
        told = 0.0
        while not self._ended.wait(self._rest_s(told)):
            beaten = self.beaten
            if beaten != told:
                self._hold("")
            if beaten != told and time.monotonic() - beaten >= BLOCKED_S:
                told = beaten  # once for each time that it is blocked
                self._tell(time.monotonic() - beaten)
        self._hold("")

    def _rest_s(self, told: float) -> float:
        """Return how long there is nothing to see: until the last beat is too long ago."""
        beaten = self.beaten
        if beaten == told:
            return LOOK_S
        return max(0.0, beaten + BLOCKED_S - time.monotonic())

    def _hold(self, by: str) -> None:
        """Note what holds the loop up; nothing when it turns."""
        if by == _holding.get(self._thread_id, ""):
            return
        if by:
            _holding[self._thread_id] = by
        else:
            del _holding[self._thread_id]
        for observer in observers:
            observer(by)

    def _tell(self, seconds: float) -> None:
        frame = sys._current_frames().get(self._thread_id)  # noqa: SLF001 - its only name
        if frame is None or frame.f_code.co_filename in _WAITING:
            return  # it waits for something to do: the whole process was stopped meanwhile
        BLOCKED.inc()
        try:
            task = asyncio.current_task(self._loop)
        except RuntimeError:
            task = None
        name = None if task is None else task.get_name()
        self._hold(stands_at(frame) + (f", in {name}" if name else ""))
        log.warning(
            "event_loop_blocked_by",
            seconds=round(seconds, 1),
            function=name,
            stack=_stack(frame),
            **_bound_to(task),
        )


def _stack(frame: FrameType) -> str:
    return "".join(traceback.format_list(traceback.extract_stack(frame)[-_FRAMES:])).rstrip()


def _bound_to(task: asyncio.Task[Any] | None) -> dict[str, Any]:
    """Return what is bound to the log where a task runs, such as a step; from Python 3.12 on."""
    context: Mapping[Any, Any] = getattr(task, "get_context", dict)()
    return {
        variable.name.removeprefix(_BOUND): value
        for variable, value in context.items()
        if variable.name.startswith(_BOUND) and value is not Ellipsis
    }
