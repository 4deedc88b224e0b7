"""Sends viewers the text of contents while it is written; a piece that is lost does no harm.

A model streams dozens of pieces a second for each of dozens of contents. They are gathered per
content and sent a few times a second; nothing of them is stored, and whatever is in the way of
committed events is dropped. Who missed a piece sees it by its offset, and has the whole text once
the content is completed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from core.logging import get_logger
from core.loop_local import LoopLocal
from notifications.event_data import OWN_TEXT, PROGRESS
from notifications.events import (
    TERMINAL_EVENTS,
    EventType,
    TransientType,
)
from notifications.publisher import TRANSIENT_DROPPED, publish_transient

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from notifications.event_data import PartTold

log = get_logger(__name__)

INTERVAL_S: Final = 0.25
"""Between two pieces of one content."""
LARGEST_PIECE: Final = 16_000
"""Characters; what is gathered beyond that between two sends is dropped and begun anew."""
_ENDS_CONTENT: Final = frozenset({EventType.CONTENT_COMPLETED, EventType.CONTENT_FAILED})

_Key = tuple[str, str, str, str]
"""Task, step, key and kind."""


def stream_text(task_id: UUID, about: PartTold, *, offset: int, text: str) -> None:
    """Show viewers more of a part's text. Returns at once, and never raises.

    Args:
        task_id: The task.
        about: The part that is being written.
        offset: Characters of the text before this piece; 0 when a call is tried anew, so that
            viewers replace what they have.
        text: The piece.
    """
    try:
        key = (str(task_id), str(about["step"]), str(about["key"]), about["kind"])
        _all_deltas.get().add(key, about, offset=offset, text=text)
    except Exception:  # whatever it is, the part is written all the same
        TRANSIENT_DROPPED.inc()
        log.exception("delta_failed", task_id=str(task_id))


def forget(events: Iterable[dict[str, Any]]) -> None:
    """Drop what is still gathered of contents and tasks that these events end."""
    deltas = _all_deltas.get()
    if not deltas.gathering:
        return
    for event in events:
        if event["type"] in _ENDS_CONTENT:
            data = event["data"]
            of = (event["task_id"], str(data["step"]), str(data["key"]))
            deltas.forget((*of, str(data["kind"])))
            deltas.forget((*of, PROGRESS))
        elif event["type"] == EventType.STEP_COMPLETED:
            for kind in (OWN_TEXT, PROGRESS):
                deltas.forget((event["task_id"], str(event["data"]["step"]), str(None), kind))
        elif event["type"] in TERMINAL_EVENTS:
            deltas.forget_task(event["task_id"])


def stop_streaming() -> None:
    """Forget everything of the running loop, before its publisher is closed."""
    deltas = _all_deltas.pop()
    if deltas is not None:
        deltas.close()


@dataclass(slots=True)
class _Gathered:
    """A content's text that was not sent yet, and the timer that will send it."""

    timer: asyncio.TimerHandle
    about: PartTold
    offset: int = 0
    text: str = ""


class Deltas:
    """What one event loop's contents have streamed and not sent yet."""

    def __init__(self) -> None:
        self._gathered: dict[_Key, _Gathered] = {}

    @property
    def gathering(self) -> bool:
        """Whether anything was streamed lately."""
        return bool(self._gathered)

    def add(self, key: _Key, about: PartTold, *, offset: int, text: str) -> None:
        """Send a first piece at once, and gather what follows it closely."""
        gathered = self._gathered.get(key)
        if gathered is None:
            self._gathered[key] = _Gathered(self._in_a_while(key), about)
            return _send(key[0], about, offset=offset, text=text)
        follows = (
            gathered.text
            and gathered.about["version"] == about["version"]
            and gathered.offset + len(gathered.text) == offset
        )
        if follows and len(gathered.text) + len(text) <= LARGEST_PIECE:
            gathered.text += text
            return None
        if gathered.text and offset:  # too much of it, or a hole: viewers see it by the offset
            TRANSIENT_DROPPED.inc()
        gathered.about, gathered.offset, gathered.text = about, offset, text
        return None

    def forget(self, key: _Key) -> None:
        """Drop what is gathered of a content."""
        gathered = self._gathered.pop(key, None)
        if gathered is not None:
            gathered.timer.cancel()

    def forget_task(self, task_id: str) -> None:
        """Drop what is gathered of a task."""
        for key in [key for key in self._gathered if key[0] == task_id]:
            self.forget(key)

    def close(self) -> None:
        """Drop everything."""
        for key in list(self._gathered):
            self.forget(key)

    def _in_a_while(self, key: _Key) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(INTERVAL_S, self._ripe, key)

    def _ripe(self, key: _Key) -> None:
        gathered = self._gathered[key]
        if not gathered.text:
            del self._gathered[key]  # nothing came for a while: the next piece is a first one
            return
        _send(key[0], gathered.about, offset=gathered.offset, text=gathered.text)
        gathered.text = ""
        gathered.timer = self._in_a_while(key)


def _send(task_id: str, about: PartTold, *, offset: int, text: str) -> None:
    if not text or len(text) > LARGEST_PIECE or offset < 0:
        if text:
            TRANSIENT_DROPPED.inc()
        return
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    publish_transient(
        {
            "type": TransientType.CONTENT_DELTA,
            "task_id": task_id,
            "at": now,
            "data": {**about, "offset": offset, "text": text},
        }
    )


_all_deltas: LoopLocal[Deltas] = LoopLocal(Deltas)
