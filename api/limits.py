"""How often a user may ask: counted in Redis over all API processes, here while Redis is away."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from core.errors import TooManyRequestsError
from core.logging import get_logger
from notifications.clients import redis_client
from notifications.counting import counting_in

if TYPE_CHECKING:
    from limits import RateLimitItem

    from core.actor import Actor

log = get_logger(__name__)

TIMEOUT_S: Final = 0.5
AWAY_S: Final = 5.0
"""After a failure Redis is left alone for so long: no request waits for a dead one twice."""


class RequestLimit:
    """A sliding minute per user; admins are exempt, they are the operators."""

    def __init__(self, redis_url: str, *, per_minute: int, tickets_per_minute: int) -> None:
        """Connect to nothing yet.

        Args:
            redis_url: Where the processes count together.
            per_minute: Requests of a user; 0 is no limit.
            tickets_per_minute: Those of them that get a ticket; 0 is no limit.
        """
        self._requests = _item(per_minute, namespace="requests")
        self._tickets = _item(tickets_per_minute, namespace="tickets")
        self._redis = redis_client(
            redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
        self._shared = counting_in(self._redis, name="roadmap_requests", wrap_exceptions=True)
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._away_until = 0.0

    async def check(self, actor: Actor) -> None:
        """Count a request.

        Raises:
            TooManyRequestsError: It is one too many; `retry_after_s` tells when to come again.
        """
        await self._check(self._requests, actor)

    async def check_ticket(self, actor: Actor) -> None:
        """Count a ticket, beside its request.

        Raises:
            TooManyRequestsError: It is one too many; `retry_after_s` tells when to come again.
        """
        await self._check(self._tickets, actor)

    async def _check(self, limit: RateLimitItem | None, actor: Actor) -> None:
        if limit is None or actor.admin:
            return None
        if time.monotonic() >= self._away_until:
            try:
                return await self._count(self._shared, limit, actor.user_id)
            except StorageError as error:
                self._away_until = time.monotonic() + AWAY_S
                log.warning("requests_counted_locally", error=type(error.storage_error).__name__)
        return await self._count(self._local, limit, actor.user_id)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _count(
        self, limiter: SlidingWindowCounterRateLimiter, limit: RateLimitItem, user_id: str
    ) -> None:
        if await limiter.hit(limit, user_id):
            return
        window = await limiter.get_window_stats(limit, user_id)
        what = "get a ticket" if limit is self._tickets else "ask"
        raise TooManyRequestsError(
            f"You may {what} {limit.amount} times a minute; wait as long as `Retry-After` says.",
            retry_after_s=max(1, math.ceil(window.reset_time - time.time())),
        )


def _item(per_minute: int, *, namespace: str) -> RateLimitItem | None:
    return RateLimitItemPerMinute(per_minute, namespace=namespace) if per_minute else None
