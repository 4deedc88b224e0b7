"""Follow a task: its log after a number, then live; every event in order, once.

The log in PostgreSQL is the only source of truth, Redis only brings copies sooner. Everybody in
this process who watches the same task shares one `_Topic`: one subscription, one parsed copy of
each event and a bounded tail of the log. A viewer keeps nothing but the number it has seen: one
that falls behind the tail reads pages of the log instead, so nobody's slowness costs memory and
nobody can miss an event. A gap in the numbers, a reconnected or overloaded Redis, a message that
cannot be read: each is a doubt, and a doubt is settled by reading the log. One slow query for all
watched tasks of the process covers a Redis that is silent or not there at all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import orjson

from core.logging import get_logger
from core.loop_local import LoopLocal
from db.session import is_transient
from notifications.events import TERMINAL_EVENTS, task_channel
from workflow.queries.events import LogPage, log_page, log_states

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from uuid import UUID

log = get_logger(__name__)
F = TypeVar("F")

PAGE: Final = 500
"""Events read from the log at a time."""
TAIL: Final = 400
"""Events of one task kept in memory for all of its viewers; most tasks have fewer."""
TICK_S: Final = 1.0
"""How often the rows are asked while Redis is silent, and how long a failed read waits."""
CALM_TICKS: Final = 5
"""While Redis is healthy and nobody was found behind, only every fifth tick asks."""
FIRST_LOOK_S: Final = 0.25
"""How long a new topic waits for Redis to confirm its subscription before it reads the log."""
IDLE_S: Final = 15.0


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
    """One event of the log, shared by all who watch it, with its encoded frames."""

    __slots__ = ("_frames", "event", "seq", "type")

    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event
        self.seq: int = event["seq"]
        self.type: str = event["type"]
        self._frames: dict[Any, Any] = {}

    def frame(self, encode: Callable[[Entry], F]) -> F:
        """Return the event as `encode` writes it, encoded once for all viewers."""
        found: F | None = self._frames.get(encode)
        if found is None:
            found = self._frames[encode] = encode(self)
        return found


class _Topic:
    """What this process knows of one watched task's log."""

    def __init__(self, task_id: UUID) -> None:
        self.task_id = task_id
        self.viewers = 0
        self.head: int | None = None
        """The newest number known; None until the first look."""
        self.final = False
        """The task has ended and `head` is the last event it has."""
        self.gone = False
        """The task was deleted, or this process stops."""
        self._tail: deque[Entry] = deque(maxlen=TAIL)
        self._doubt = asyncio.Event()
        self._changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unsubscribe: Callable[[], None] = lambda: None

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
        """Stop watching, without waiting; a read under way ends by itself (L11)."""
        self._unsubscribe()
        self.end()

    def end(self) -> None:
        """Let everybody who follows the task come to an end."""
        self.gone = True
        self._doubt.set()
        self._announce()

    def receive(self, message: bytes | None) -> None:
        """Take a copy of an event; anything but the very next one is a doubt."""
        event: Any = None
        if message is not None:
            with suppress(orjson.JSONDecodeError):
                event = orjson.loads(message)
            if isinstance(event, dict) and "seq" not in event:
                return  # transient, and may be dropped
        if self.head is None or not isinstance(event, dict) or "type" not in event:
            self._doubt.set()
        elif event["seq"] == self.head + 1:
            self._append(event)
            if event["type"] in TERMINAL_EVENTS:
                self._doubt.set()  # is it the end, or was the task retried already?
            self._announce()
        elif not isinstance(event["seq"], int) or event["seq"] > self.head:
            self._doubt.set()

    def doubt(self) -> None:
        """Read the log again."""
        self._doubt.set()

    def after(self, seq: int) -> list[Entry] | None:
        """Return the events after a number, or None when the log has to be read for them."""
        if self.head is None or seq < self.head - len(self._tail):
            return None
        missing = self.head - seq
        if missing <= 0:
            return []
        return list(self._tail)[-missing:]

    async def changed(self, timeout_s: float) -> None:
        """Wait until something is new, or for a while."""
        await asyncio.wait({self._changed}, timeout=timeout_s)

    def _append(self, event: dict[str, Any]) -> None:
        self._tail.append(Entry(event))
        self.head = event["seq"]
        self.final = False

    def _announce(self) -> None:
        changed, self._changed = self._changed, asyncio.get_running_loop().create_future()
        changed.set_result(None)

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
        first_look = self.head is None
        if self.head is None:
            state = (await log_states([self.task_id])).get(self.task_id)
            if state is None:
                return self.end()
            after = max(0, state.last_seq - TAIL)  # what viewers of this task will ask for
        else:
            after = self.head
        page = await log_page(self.task_id, after=after, limit=PAGE)
        if page is None:
            return self.end()
        if first_look:
            self.head = after
        return self._take(page)

    def _take(self, page: LogPage) -> None:
        if self.head is None:  # pragma: no cover - set by the first look, never unset
            return
        for event in page.events:
            if event["seq"] == self.head + 1:  # a live copy may have come first
                self._append(event)
            elif event["seq"] > self.head:  # old events were purged in between
                self._tail.clear()
                self._append(event)
        if len(page.events) == PAGE:
            self._doubt.set()
        elif page.last_seq > self.head:  # they were purged
            self._tail.clear()
            self.head = page.last_seq
        self.final = page.terminal and self.head == page.last_seq
        self._announce()


class Feed:
    """All that is watched in one event loop."""

    def __init__(self) -> None:
        self.wakeups: Wakeups | None = None
        self._topics: dict[UUID, _Topic] = {}
        self._poller: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._hurried = False
        self._stopping = False
        self._listeners: set[Callable[[], None]] = set()

    @property
    def stopping(self) -> bool:
        """This process stops; streams end without their tasks having ended."""
        return self._stopping

    async def follow(
        self, task_id: UUID, *, after: int, idle_s: float = IDLE_S
    ) -> AsyncGenerator[list[Entry]]:
        """Yield what comes after a number, in order, once, until the task has ended.

        Args:
            task_id: The task.
            after: The last number already seen; 0 for none.
            idle_s: After so long without an event an empty list is yielded, for heartbeats.
        """
        loop = asyncio.get_running_loop()
        told_at, checked = loop.time(), False
        topic = self._join(task_id)
        try:
            while not topic.gone:
                batch = [] if topic.head is None else topic.after(after)
                if batch is None:
                    batch = await self._from_log(topic, after)
                    if not batch:
                        after = max(after, topic.head or 0)  # purged; go on after it
                if batch:
                    yield batch
                    after, checked, told_at = batch[-1].seq, False, loop.time()
                elif topic.final and (after <= (topic.head or 0) or checked):
                    return
                else:
                    if topic.final:  # the log gave more than the topic knew: was it retried?
                        topic.doubt()
                        checked = True
                    await topic.changed(told_at + idle_s - loop.time())
                    if loop.time() >= told_at + idle_s and not topic.gone:
                        yield []
                        told_at = loop.time()
        finally:
            self._leave(topic)

    def stop(self) -> None:
        """End every stream: this process stops, the clients come back to another one."""
        self._stopping = True
        for topic in list(self._topics.values()):
            topic.end()
        for listener in list(self._listeners):
            listener()

    @contextmanager
    def listening(self, channel: str, callback: Callable[[], None]) -> Iterator[None]:
        """Call back whenever a channel may have something new, and when everything stops."""

        def receive(_message: bytes | None) -> None:
            callback()

        unsubscribe = self.wakeups.subscribe(channel, receive) if self.wakeups else None
        self._listeners.add(callback)
        try:
            yield
        finally:
            self._listeners.discard(callback)
            if unsubscribe is not None:
                unsubscribe()

    async def aclose(self) -> None:
        """End every stream and wait for what still reads."""
        self.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def watched(self) -> dict[str, int]:
        """Return how many follow each task."""
        return {str(topic.task_id): topic.viewers for topic in self._topics.values()}

    def _join(self, task_id: UUID) -> _Topic:
        topic = self._topics.get(task_id)
        if topic is None or topic.gone:
            topic = _Topic(task_id)
            if self._stopping:
                topic.gone = True
                return topic
            self._topics[task_id] = topic
            self._own(topic.open(self.wakeups))
        elif topic.final:
            topic.reopen()
        topic.viewers += 1
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll(), name="feed-poller")
            self._own(self._poller)
        return topic

    def _own(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _leave(self, topic: _Topic) -> None:
        topic.viewers -= 1
        if topic.viewers <= 0:
            if self._topics.get(topic.task_id) is topic:
                del self._topics[topic.task_id]
            topic.close()

    async def _from_log(self, topic: _Topic, after: int) -> list[Entry]:
        while not topic.gone:
            try:
                page = await log_page(topic.task_id, after=after, limit=PAGE)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("feed_page_failed", task_id=str(topic.task_id), error=repr(error))
                await asyncio.sleep(TICK_S)
            else:
                return [] if page is None else [Entry(event) for event in page.events]
        return []

    async def _poll(self) -> None:
        """Ask once for all watched tasks whether anything is new, while any is watched."""
        ticks = 0
        while self._topics:
            await asyncio.sleep(TICK_S)
            ticks += 1
            healthy = self.wakeups is not None and self.wakeups.healthy
            if healthy and not self._hurried and ticks % CALM_TICKS:
                continue
            try:
                self._hurried = await self._ask()
            except Exception as error:  # noqa: BLE001 - it is asked again at the next tick
                log.warning("feed_poll_failed", error=repr(error))

    async def _ask(self) -> bool:
        """Send whoever is behind back to the log; return whether anybody was."""
        known = {t.task_id: (t, t.head, t.final) for t in self._topics.values()}
        states = await log_states(known)
        behind = False
        for task_id, (topic, head, final) in known.items():
            state = states.get(task_id)
            if state is None or head != state.last_seq or final != state.terminal:
                topic.doubt()
                behind = True
        return behind


_feeds: LoopLocal[Feed] = LoopLocal(Feed)


def current_feed() -> Feed:
    """Return the running loop's feed."""
    return _feeds.get()


def install(wakeups: Wakeups | None) -> None:
    """Set what wakes the feeds of the running loop; without one they poll."""
    _feeds.get().wakeups = wakeups


def follow(task_id: UUID, *, after: int, idle_s: float = IDLE_S) -> AsyncGenerator[list[Entry]]:
    """Yield a task's events after a number, in order, once, until it has ended (`Feed.follow`)."""
    return _feeds.get().follow(task_id, after=after, idle_s=idle_s)


async def wait_for_events(
    task_id: UUID, *, after: int, wait_s: float, limit: int = PAGE
) -> list[dict[str, Any]]:
    """Return the events after a number; when there are none, wait for the next ones.

    Returns at once when the task has ended and nothing is left.
    """
    page = await log_page(task_id, after=after, limit=limit)
    if page is None or page.events or wait_s <= 0 or page.terminal:
        return [] if page is None else page.events
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_s), aclosing(follow(task_id, after=after)) as stream:
            async for batch in stream:
                if batch:
                    return [entry.event for entry in batch[:limit]]
    return []


def stop() -> None:
    """End every stream of the running loop, before a server closes its connections."""
    _feeds.get().stop()


async def aclose() -> None:
    """Forget the running loop's feed, when its process is done with it."""
    feed = _feeds.pop()
    if feed is not None:
        await feed.aclose()
