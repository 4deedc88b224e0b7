"""Follow a user's inbox: what came after a notification, then live, each once.

Notifications have no sequence numbers. Their ids are ordered by the time at which they were made,
not committed, so a stream looks back a little each time and remembers what it has given.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from uuid import UUID

from core.ids import new_id
from core.logging import get_logger
from db.session import is_transient
from notifications.events import user_channel
from workflow.feed import IDLE_S, current_feed
from workflow.queries.inbox import inbox_after

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from workflow.queries.shapes import NotificationView

log = get_logger(__name__)

LOOK_BACK_MS: Final = 30_000
"""Longer than any transaction lasts."""
POLL_S: Final = 5.0
PAGE: Final = 200


async def follow_inbox(
    user_id: str, *, after: UUID | None = None, idle_s: float = IDLE_S
) -> AsyncGenerator[list[NotificationView]]:
    """Yield a user's notifications after one, in order, then those that come; never ends.

    Args:
        user_id: Whose inbox.
        after: The last one already seen; without it only what is new from now on.
        idle_s: After so long without any an empty list is yielded, for heartbeats.
    """
    feed = current_feed()
    changed = asyncio.Event()
    start = new_id() if after is None else after
    seen = {start}
    cursor = start
    loop = asyncio.get_running_loop()
    told_at = loop.time()
    with feed.listening(user_channel(user_id), changed.set):
        while not feed.stopping:
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
                async with asyncio.timeout(min(POLL_S, idle_s)):
                    await changed.wait()
            if loop.time() - told_at >= idle_s:
                told_at = loop.time()
                yield []


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


def earlier(key: UUID, by_ms: int) -> UUID:
    """Return the smallest UUIDv7 made so long before another one."""
    return UUID(int=max(0, (key.int >> 80) - by_ms) << 80)
