"""Counts in a Redis, for all processes, how often something happened, by the `limits` library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from core.wire_names import own

if TYPE_CHECKING:
    from redis.asyncio import Redis

_CLIENT: Final = "redis"


class _Storage(RedisStorage):
    """Looks for the one client that it uses: else each that is installed is imported as well."""

    DEPENDENCIES = {_CLIENT: RedisStorage.DEPENDENCIES[_CLIENT]}  # noqa: RUF012 - limits' own


def counting_in(client: Redis, *, name: str, **more: Any) -> SlidingWindowCounterRateLimiter:
    """Return what counts in the Redis of a client.

    Args:
        client: Its connections are used, and stay the caller's to close.
        name: What the keys begin with.
        more: Further arguments of `RedisStorage`.
    """
    storage = _Storage(
        "async+redis://",  # a placeholder: the pool has the real address
        implementation="redispy",
        key_prefix=own(name),
        connection_pool=client.connection_pool,  # type: ignore[arg-type]  # is passed on
        **more,
    )
    return SlidingWindowCounterRateLimiter(storage)
