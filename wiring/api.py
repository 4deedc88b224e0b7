"""What an API process has open while it serves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from core import timeouts
from core.logging import get_logger
from core.resources import Resource
from db.engine import init_db
from roadmaps.rendering.renderer import close_renderer
from watching import feed
from wiring.common import shared_resources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis.asyncio import Redis

    from notifications.hub import Hub

log = get_logger(__name__)

FIRST_CONNECTION_S: Final = 2.0


def api_resources(hub: Hub, redis: Redis, own: Iterable[Resource]) -> list[Resource]:
    """List the parts of an API process.

    Args:
        hub: Hears what is published.
        redis: Answers the operators' questions.
        own: What the HTTP layer keeps for itself.
    """
    return [
        Resource("renderer", close=close_renderer, close_blocks=True),
        *shared_resources("api"),
        Resource("first connection", open=_connect),
        Resource("redis", close=redis.aclose),
        Resource("hub", open=hub.start, close=hub.aclose),
        *own,
        Resource("feed", open=partial(feed.install, hub), close=feed.aclose),
    ]


async def _connect() -> None:
    """Open the first connection; the API also starts without, unready, and keeps answering."""
    try:
        async with timeouts.timeout(FIRST_CONNECTION_S):
            await init_db()
    except Exception as error:  # noqa: BLE001 - readiness tells it, and every request tries anew
        log.warning("database_unreachable", error=type(error).__name__)
