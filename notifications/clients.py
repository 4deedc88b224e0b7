"""Clients of Redis, whatever its address: one server, a socket, or Sentinels that know which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import NoPermissionError
from redis.maint_notifications import MaintNotificationsConfig

from core.addresses import RedisAddress, redis_address
from core.addresses.broker import redis_tls, sentinel_login
from core.wire_names import PROBE, PROBE_KEPT_S, own

_NO_MOVES: Final = MaintNotificationsConfig(enabled=False)
"""redis-py asks each server to tell of its maintenance, and then no longer looks whether a
connection that lay idle was closed (8.1): the next command on it failed."""


class _Managed(Redis):
    """A client that also closes its connections to the Sentinels, which redis-py leaves open."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001 - redis-py's signature
        """Close everything."""
        pool: Any = self.connection_pool
        await super().aclose(close_connection_pool)
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def redis_client(url: str, **options: Any) -> Redis:
    """Return a client of a Redis; nothing is connected yet.

    Behind Sentinels each new connection asks them which server is the primary now.

    Args:
        url: Its address.
        options: redis-py's arguments; they win over the address.
    """
    address = redis_address(url)
    options = {"maint_notifications_config": _NO_MOVES, **options}
    if "protocol" in options:
        address = without_protocol(address)
    if address.master is None:
        client: Redis = Redis.from_url(address.url, **options)
        return client
    ask: Any = Sentinel  # redis-py does not type it
    sentinel = ask(address.hosts, sentinel_kwargs=sentinel_login(address))
    managed: Redis = sentinel.master_for(
        address.master, redis_class=_Managed, **login(address), **options
    )
    return managed


async def check_willing(client: Redis) -> None:
    """Ask for an answer, and for a write as a ring is one: a full one or a replica answers, too.

    Raises:
        RedisError: It does not answer, or refuses.
    """
    asked: Any = client
    await asked.ping()
    try:
        await asked.set(own(PROBE), b"", ex=PROBE_KEPT_S)
    except NoPermissionError:  # a user of somebody's own that may only read and publish
        return


def login(address: RedisAddress) -> dict[str, Any]:
    """Return how we sign in at the server that Sentinels name, as redis-py's arguments."""
    told: dict[str, Any] = {"db": address.database}
    if address.user is not None:
        told["username"] = address.user
    if address.password is not None:
        told["password"] = address.password
    if "protocol" in address.parameters:
        told["protocol"] = int(address.parameters["protocol"])
    return told | (redis_tls(address) if address.tls else {})


def without_protocol(address: RedisAddress) -> RedisAddress:
    """Return the address without `protocol`, which would win over our own."""
    kept = tuple((name, value) for name, value in address.given if name != "protocol")
    return replace(address, given=kept)
