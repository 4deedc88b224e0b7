"""What one process knows of one watched task's log, shared by all who watch it.

A viewer keeps nothing but the number it has seen: one that falls behind the shared backlog reads
pages of the log instead, so nobody's slowness costs memory and nobody can miss an event. Transient
events have a backlog of their own, from which the oldest are dropped. After a gap in the numbers, a
new connection to Redis or a message that cannot be read, events may be missing (a "doubt"): then
the log is read.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from prometheus_client import Histogram

from core.logging import get_logger
from notifications.events import TERMINAL_EVENTS, task_channel
from notifications.reading import read_copy
from watching.backlog import Backlog, Policy
from watching.queries.events import LogPage, LogState, log_page, log_states
from watching.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from watching.seat import Seat
    from watching.waiting import Crowd

log = get_logger(__name__)
F = TypeVar("F")

PAGE: Final = 500
"""Events read from the log at a time."""
TAIL: Final = 400
"""Events of one task kept in memory for all of its viewers; most tasks have fewer."""
PASSING: Final = 64
"""Transient events of one task kept for viewers that are about to take them."""
PASS_ON_S: Final = 0.1
"""How long a transient event waits for others, to go on together."""
LAG: Final = Histogram(
    "roadmap_event_lag_seconds",
    "From the commit of an event until a watching process knows it.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
TICK_S: Final = 1.0
"""How often the rows are asked while Redis is silent, and how long a failed read waits."""
FIRST_LOOK_S: Final = 0.25
"""How long a new topic waits for Redis to confirm its subscription before it reads the log."""


class Wakeups(Protocol):
    """The port to whatever brings copies of events sooner than a poll: `notifications.hub`."""

    @property
    def healthy(self) -> bool:
        """Messages can be expected to arrive."""
        ...

    def subscribe(
        self, channel: str, callback: Callable[[bytes | None], None]
    ) -> Callable[[], None]:
        """Call back with each message, or None when some may have been lost; return the undo."""
        ...


class Entry:
    """One event, shared by all who watch it, with its encoded frames.

    A transient one has no number of its own: `seq` is that of the newest event before it.
    """

    __slots__ = ("_frames", "event", "seq", "transient", "type")

    def __init__(self, event: dict[str, Any], *, behind: int | None = None) -> None:
        self.event = event
        self.transient = behind is not None
        self.seq: int = event["seq"] if behind is None else behind
        self.type: str = event["type"]
        self._frames: dict[Any, Any] = {}

    def frame(self, encode: Callable[[Entry], F]) -> F:
        """Return the event as `encode` writes it, encoded once for all viewers."""
        found: F | None = self._frames.get(encode)
        if found is None:
            found = self._frames[encode] = encode(self)
        return found


class Topic:
    """What this process knows of one watched task's log."""

    def __init__(self, task_id: UUID, crowd: Crowd) -> None:
        self.task_id = task_id
        self.viewers = 0
        self.owner: str | None = None
        """Whose task it is, as of the last look."""
        self.final = False
        """The task has ended and `head` is the last event it has."""
        self.gone = False
        """The task was deleted, or this process stops."""
        self.transient: Backlog[Entry] = Backlog(limit=PASSING, policy=Policy.DROP_OLDEST)
        self._events: Backlog[Entry] = Backlog(limit=TAIL, policy=Policy.REREAD)
        self._looked = False
        self._doubt = asyncio.Event()
        self._waiting = Waiting(crowd, self._serve)
        self._packed: dict[Any, tuple[list[Entry], bytes]] = {}
        """What was handed out since the last event, by place and form."""
        self._unsubscribe: Callable[[], None] = lambda: None
        self._watched_from = datetime.now(UTC)

    @property
    def head(self) -> int | None:
        """The newest number known; None until the first look."""
        return self._events.newest if self._looked else None

    def open(self, wakeups: Wakeups | None) -> asyncio.Task[None]:
        """Begin to watch; never fails. Returns the task that reads when in doubt."""
        if wakeups is not None:
            self._unsubscribe = wakeups.subscribe(task_channel(self.task_id), self.receive)
        if wakeups is None or not wakeups.healthy:
            self._doubt.set()
        else:
            asyncio.get_running_loop().call_later(FIRST_LOOK_S, self._doubt.set)
        return asyncio.create_task(self._read_when_in_doubt(), name="feed-reader")

    def reopen(self) -> None:
        """Somebody came after the end: look whether it still is the end."""
        self.final = False
        self._doubt.set()

    def close(self) -> None:
        """Stop watching, without waiting; a read under way ends by itself."""
        self._unsubscribe()
        self.end()
        self._waiting.close()

    def end(self) -> None:
        """Let everybody who follows the task come to an end."""
        self.gone = True
        self._doubt.set()
        self._waiting.tell()

    def receive(self, message: bytes | None) -> None:
        """Take a copy of an event; anything but the very next one is a doubt."""
        event = None if message is None else read_copy(message, task_id=self.task_id)
        if event is not None and "seq" not in event:
            self._pass(event)
        elif self.head is None or event is None or event["seq"] > self.head + 1:
            self._doubt.set()
        elif event["seq"] == self.head + 1:
            self._append(event)
            if event["type"] in TERMINAL_EVENTS:
                self._doubt.set()  # is it the end, or was the task retried already?
                self._waiting.tell()
            else:
                self._waiting.tell_soon()

    def doubt(self) -> None:
        """Read the log again."""
        self._doubt.set()

    def after(self, seq: int) -> list[Entry] | None:
        """Return the events after a number, or None when the log has to be read for them."""
        return self._events.after(seq) if self._looked else None

    def fresh(self, seq: int, place: int | None) -> list[Entry] | None:
        """Return the events after a number, and the transient ones after a place, if wanted.

        None means that the log has to be read.
        """
        batch = self.after(seq)
        if batch is not None and place is not None and place < self.transient.newest:
            batch = [*batch, *(self.transient.after(place) or [])]
            batch.sort(key=lambda entry: (entry.seq, entry.transient))
        return batch

    def learn(self, state: LogState | None) -> bool:
        """Compare with what the rows say; return whether the log has to be read again."""
        if state is not None and state.owner != self.owner:
            self.owner = state.owner
            self._waiting.tell()  # viewers who may not see it any more are woken and leave
        if state is None or self.head is None or state.last_seq > self.head:
            return True
        return state.last_seq == self.head and state.terminal != self.final

    async def changed(self, seat: Seat) -> None:
        """Wait until there is something for a viewer to do, or for a while."""
        await self._waiting.wait(seat)

    def _serve(self, seat: Seat) -> bool:
        """Hand a viewer what is new, if that is all there is to do."""
        if seat.push is None or self.final or self.gone or not seat.may_see(self.owner):
            return False
        place = (seat.after, seat.place, seat.push.pack)
        found = self._packed.get(place)
        if found is None:
            batch = self.fresh(seat.after, seat.place)
            if not batch:
                return False
            found = self._packed[place] = batch, seat.push.pack(batch)
        if not seat.push.write(found[1]):
            return False
        seat.took(found[0])
        seat.at(self.transient.newest)
        return True

    def _pass(self, event: dict[str, Any]) -> None:
        """Keep a transient event for a moment; who is not there to take it has lost it."""
        if self.head is None:
            return
        self.transient.append(Entry(event, behind=self.head))
        self._packed.clear()
        self._waiting.tell_within(PASS_ON_S)  # many at a time: viewers are woken once for them

    def _append(self, event: dict[str, Any]) -> None:
        if event["seq"] != self._events.newest + 1:  # older ones were purged
            self._events.begin_at(event["seq"] - 1)
        self._events.append(Entry(event))
        self._packed.clear()
        committed = datetime.fromisoformat(event["at"])
        if committed > self._watched_from:  # older ones are replayed, not late
            LAG.observe((datetime.now(UTC) - committed).total_seconds())
        self.final = False

    def wake(self) -> None:
        """Let everybody who waits look around."""
        self._waiting.tell()

    async def _read_when_in_doubt(self) -> None:
        while True:
            await self._doubt.wait()
            if self.gone:
                return
            self._doubt.clear()
            try:
                await self._read()
            except Exception as error:  # noqa: BLE001 - whatever it is, the viewers stay
                log.warning("feed_read_failed", task_id=str(self.task_id), error=repr(error))
                await asyncio.sleep(TICK_S)
                self._doubt.set()

    async def _read(self) -> None:
        after = self.head
        if after is None:
            state = (await log_states([self.task_id])).get(self.task_id)
            if state is None:
                return self.end()
            after = max(0, state.last_seq - TAIL)  # viewers ask for the newest first
        page = await log_page(self.task_id, after=after, limit=PAGE)
        if page is None:
            return self.end()
        if not self._looked:
            self._looked = True
            self._events.begin_at(after)
        return self._take(page)

    def _take(self, page: LogPage) -> None:
        self.owner = page.owner
        for event in page.events:
            if event["seq"] > self._events.newest:  # a live copy may have come first
                self._append(event)
        if len(page.events) == PAGE:
            self._doubt.set()
        elif page.last_seq > self._events.newest:  # they were purged
            self._events.begin_at(page.last_seq)
            self._packed.clear()
        self.final = page.terminal and self._events.newest == page.last_seq
        self._waiting.tell()
