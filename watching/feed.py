"""Follow a task: its log after a number, then live; every event in order, once.

The log in PostgreSQL is the only source of truth, Redis only brings copies sooner. Those in this
process who watch a task share one `Topic`: one subscription, one parsed copy of each event and a
bounded tail of the log. One slow query for all of them covers a Redis that is silent or gone.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from core import timeouts
from core.actor import SYSTEM
from core.errors import NotFoundError
from core.logging import get_logger
from core.loop_local import LoopLocal
from db.session import is_transient
from watching import topic as topics
from watching.queries.events import log_page, log_states
from watching.seat import Push, Seat
from watching.topic import Entry, Topic, Wakeups
from watching.viewer import Viewer
from watching.waiting import Crowd

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from uuid import UUID

log = get_logger(__name__)

__all__ = ["Entry", "Feed", "Push", "Wakeups", "follow", "install", "stop", "wait_for_events"]

CALM_TICKS: Final = 2
"""While Redis is healthy and nobody was found behind, only every second tick asks: nobody is told
more than three seconds late, however Redis, or the worker's way to it, has failed."""
IDLE_S: Final = 15.0


class Feed:
    """All that is watched in one event loop."""

    def __init__(self) -> None:
        self.wakeups: Wakeups | None = None
        self._topics: dict[UUID, Topic] = {}
        self._crowd = Crowd()
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
        self,
        task_id: UUID,
        *,
        after: int,
        viewer: Viewer | None = None,
        idle_s: float = IDLE_S,
        transient: bool = False,
        push: Push | None = None,
    ) -> AsyncGenerator[list[Entry]]:
        """Yield what comes after a number, in order, once, until the task has ended.

        Args:
            task_id: The task.
            after: The last number already seen; 0 for none.
            viewer: Who watches: checked again all the while, whatever happens.
            idle_s: After so long without an event an empty list is yielded, for heartbeats.
            transient: Yield transient events too. Who is behind loses them first, and only them.
            push: Takes what comes after the first events, in their order, without waking us for it.

        Raises:
            NotFoundError: The task was deleted, or is not the viewer's any more.
            StreamExpiredError: The viewer's credentials have ended.
        """
        topic = self._join(task_id)
        place = topic.transient.newest if transient else None
        seat = Seat(viewer or Viewer(actor=SYSTEM), after=after, place=place, idle_s=idle_s)
        try:
            while not topic.gone:
                seat.viewer.check(topic.owner)
                head = topic.head or 0
                batch = await self._fresh(topic, seat.after, seat.place)
                seat.at(topic.transient.newest)
                if batch:
                    yield batch
                    seat.took(batch)
                    seat.push = push
                    continue
                seat.after = max(seat.after, head)  # what was before it is purged
                if topic.final and (seat.after <= (topic.head or 0) or seat.checked):
                    return
                if topic.final:  # more came than the topic knew: perhaps a retry began
                    topic.doubt()
                    seat.checked = True
                await topic.changed(seat)
                if seat.silent and not topic.gone:
                    yield []
                    seat.heard()
            if not self._stopping:
                raise NotFoundError(f"There is no task {task_id} any more.")
        finally:
            self._leave(topic)

    def stop(self) -> None:
        """End every stream: this process stops, the clients come back to another one."""
        self._stopping = True
        for topic in list(self._topics.values()):
            topic.end()
        self.wake()

    def wake(self) -> None:
        """Let every stream look at its viewer's credentials now."""
        for topic in list(self._topics.values()):
            topic.wake()
        for listener in list(self._listeners):
            listener()

    @property
    def healthy(self) -> bool:
        """Messages can be expected to arrive."""
        return self.wakeups is not None and self.wakeups.healthy

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

    def _join(self, task_id: UUID) -> Topic:
        self._crowd.size += 1
        topic = self._topics.get(task_id)
        if topic is None or topic.gone:
            topic = Topic(task_id, self._crowd)
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

    def _leave(self, topic: Topic) -> None:
        self._crowd.size -= 1
        topic.viewers -= 1
        if topic.viewers <= 0:
            if self._topics.get(topic.task_id) is topic:
                del self._topics[topic.task_id]
            topic.close()

    async def _fresh(self, topic: Topic, after: int, place: int | None) -> list[Entry]:
        """Return the events after a number, and the transient ones after a place, if wanted."""
        if topic.head is None:
            return []
        batch = topic.fresh(after, place)
        return await self._from_log(topic, after) if batch is None else batch

    async def _from_log(self, topic: Topic, after: int) -> list[Entry]:
        while not topic.gone:
            try:
                page = await log_page(topic.task_id, after=after, limit=topics.PAGE)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("feed_page_failed", task_id=str(topic.task_id), error=repr(error))
                await asyncio.sleep(topics.TICK_S)
            else:
                return [] if page is None else [Entry(event) for event in page.events]
        return []

    async def _poll(self) -> None:
        """Ask once for all watched tasks whether anything is new, while any is watched."""
        ticks = 0
        while self._topics:
            await asyncio.sleep(topics.TICK_S)
            ticks += 1
            if self.healthy and not self._hurried and ticks % CALM_TICKS:
                continue
            try:
                self._hurried = await self._ask()
            except Exception as error:  # noqa: BLE001 - it is asked again at the next tick
                log.warning("feed_poll_failed", error=repr(error))

    async def _ask(self) -> bool:
        """Send whoever is behind back to the log; return whether anybody was."""
        states = await log_states(known := dict(self._topics))
        behind = [topic for task_id, topic in known.items() if topic.learn(states.get(task_id))]
        for topic in behind:
            topic.doubt()
        return bool(behind)


_feeds: LoopLocal[Feed] = LoopLocal(Feed)


def current_feed() -> Feed:
    """Return the running loop's feed."""
    return _feeds.get()


def install(wakeups: Wakeups | None) -> None:
    """Set what wakes the feeds of the running loop; without one they poll."""
    _feeds.get().wakeups = wakeups


def follow(
    task_id: UUID,
    *,
    after: int,
    viewer: Viewer | None = None,
    idle_s: float = IDLE_S,
    transient: bool = False,
    push: Push | None = None,
) -> AsyncGenerator[list[Entry]]:
    """Yield a task's events after a number, in order, once, until it has ended (`Feed.follow`)."""
    return _feeds.get().follow(
        task_id, after=after, viewer=viewer, idle_s=idle_s, transient=transient, push=push
    )


async def wait_for_events(
    task_id: UUID,
    *,
    after: int,
    wait_s: float,
    limit: int = topics.PAGE,
    viewer: Viewer | None = None,
) -> list[dict[str, Any]]:
    """Return the events after a number; when there are none, wait for the next ones.

    Returns at once when the task has ended and nothing is left.

    Raises:
        StreamExpiredError: The viewer's credentials ended meanwhile.
    """
    page = await log_page(task_id, after=after, limit=limit)
    if page is None or page.events or wait_s <= 0 or page.terminal:
        return [] if page is None else page.events
    with suppress(TimeoutError):
        coming = follow(task_id, after=after, viewer=viewer)
        async with timeouts.timeout(wait_s), aclosing(coming) as stream:
            async for batch in stream:
                if batch:
                    return [entry.event for entry in batch[:limit]]
    return []


def stop() -> None:
    """End every stream of the running loop, before a server closes its connections."""
    _feeds.get().stop()


def wake() -> None:
    """Let every stream of the running loop look at its viewer's credentials now."""
    _feeds.get().wake()


async def aclose() -> None:
    """Forget the running loop's feed, when its process is done with it."""
    feed = _feeds.pop()
    if feed is not None:
        await feed.aclose()
