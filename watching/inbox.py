"""Follow a user's inbox: the notifications after a given one, then new ones live, each once.

Notifications have no sequence numbers. Their ids are ordered by the time at which they were made,
not committed, so a stream looks back a little each time and remembers what it has given. Whoever
follows is woken by Redis, or by one slow query for all inboxes that are watched in this process.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final
from uuid import UUID

from core import timeouts
from core.actor import Actor
from core.ids import new_id
from core.logging import get_logger
from core.loop_local import LoopLocal
from db.session import is_transient
from notifications.events import user_channel
from watching.feed import IDLE_S, current_feed
from watching.queries.inbox import inbox_after, inbox_marks
from watching.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from watching.queries.shapes import NotificationView

log = get_logger(__name__)

LOOK_BACK_MS: Final = 30_000
"""Longer than any transaction lasts."""
POLL_S: Final = 2.0
PAGE: Final = 200


def follow_inbox(
    user_id: str,
    *,
    after: UUID | None = None,
    viewer: Viewer | None = None,
    idle_s: float = IDLE_S,
) -> AsyncGenerator[list[NotificationView]]:
    """Yield a user's notifications after one, in order, then those that come; never ends.

    Args:
        user_id: Whose inbox.
        after: The last one already seen; without it only what is new from this call on, whenever
            the first one is asked for.
        viewer: Who watches: checked again all the while.
        idle_s: After so long without any an empty list is yielded, for heartbeats.

    Raises:
        StreamExpiredError: The viewer's credentials have ended.
    """
    viewer = viewer or Viewer(actor=Actor(user_id=user_id))
    return _follow(user_id, after, viewer, idle_s, called_at=earlier(new_id(), 0))


async def _follow(
    user_id: str, after: UUID | None, viewer: Viewer, idle_s: float, *, called_at: UUID
) -> AsyncGenerator[list[NotificationView]]:
    feed = current_feed()
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    told_at = loop.time()
    with (
        feed.listening(user_channel(user_id), changed.set),
        _inboxes.get().watching(user_id, changed),
    ):
        start, seen = await _beginning(user_id, after, called_at)
        cursor = start
        while not feed.stopping:
            viewer.check(user_id)
            changed.clear()
            fresh = await _read(user_id, max(start, earlier(cursor, LOOK_BACK_MS)), seen)
            if fresh:
                seen |= {view.notification_id for view in fresh}
                cursor = max(cursor, fresh[-1].notification_id)
                seen = {key for key in seen if key > earlier(cursor, 2 * LOOK_BACK_MS)}
                told_at = loop.time()
                yield fresh
                continue
            with suppress(TimeoutError):
                async with timeouts.timeout(min(told_at + idle_s - loop.time(), viewer.left_s())):
                    await changed.wait()
            if loop.time() - told_at >= idle_s:
                told_at = loop.time()
                yield []


async def _beginning(user_id: str, after: UUID | None, called_at: UUID) -> tuple[UUID, set[UUID]]:
    """Return where to begin, and what is behind that and was seen all the same."""
    if after is not None:
        return after, {after}
    # a little earlier than now: the clock of whoever makes entries may be behind ours
    start = earlier(called_at, LOOK_BACK_MS)
    there = await _read(user_id, start, set())
    return start, {view.notification_id for view in there if view.notification_id < called_at}


async def _read(user_id: str, after: UUID, seen: set[UUID]) -> list[NotificationView]:
    """Return the unseen ones after an id, page by page; none while the database is away."""
    while True:
        try:
            page = await inbox_after(user_id, after=after, limit=PAGE)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("inbox_read_failed", error=type(error).__name__)
            return []
        fresh = [view for view in page if view.notification_id not in seen]
        if fresh or len(page) < PAGE:
            return fresh
        after = page[-1].notification_id


class _Inboxes:
    """All inboxes that are watched in one event loop, asked about together."""

    def __init__(self) -> None:
        self._watched: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._marks: dict[str, tuple[int, str]] | None = {}
        self._poller: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self, user_id: str, changed: asyncio.Event) -> Iterator[None]:
        """Set the event whenever the user's inbox may have something new."""
        self._watched[user_id].add(changed)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll(), name="inbox-poller")
        try:
            yield
        finally:
            self._watched[user_id].discard(changed)
            if not self._watched[user_id]:
                del self._watched[user_id]
            if not self._watched:
                self._poller.cancel()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                since = earlier(new_id(), LOOK_BACK_MS)
                marks = await inbox_marks(self._watched, after=since)
            except Exception as error:  # noqa: BLE001 - it is asked again
                log.warning("inbox_poll_failed", error=type(error).__name__)
                self._marks = None
                continue
            for user_id, waiting in self._watched.items():
                # after a failed poll everybody is woken: this one may not go back far enough
                if self._marks is None or self._marks.get(user_id) != marks.get(user_id):
                    for changed in waiting:
                        changed.set()
            self._marks = marks


_inboxes: Final[LoopLocal[_Inboxes]] = LoopLocal(_Inboxes)


def earlier(key: UUID, by_ms: int) -> UUID:
    """Return the smallest UUIDv7 made so long before another one."""
    return UUID(int=max(0, (key.int >> 80) - by_ms) << 80)
