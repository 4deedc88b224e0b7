"""One Pub/Sub connection per process, whatever happens to Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from embedded import EmbeddedRedis
from notifications import hub as hub_module
from notifications.hub import Hub
from tests.factories import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from redis.asyncio import Redis


@asynccontextmanager
async def started(url: str, *, heartbeat_s: float = 0.2) -> AsyncIterator[Hub]:
    """Run a hub."""
    hub = Hub(url, heartbeat_s=heartbeat_s)
    hub.start()
    yield hub
    await hub.aclose()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A Redis that a test may hurt."""
    with EmbeddedRedis(tmp_path / "redis") as server:
        yield server


async def healthy(hub: Hub) -> None:
    """Wait until the hub is connected."""

    async def is_healthy() -> bool:
        return hub.healthy

    await until(is_healthy, what="a healthy hub")


async def publish_until(redis: Redis, channel: str, seen: list[bytes | None]) -> None:
    """Publish until a message arrives."""

    async def arrived() -> bool:
        await redis.publish(channel, "hello")
        return b"hello" in seen

    await until(arrived, what="a message")


async def subscribers(redis: Redis) -> list[dict[str, str]]:
    """Return the clients that are subscribed to anything."""
    return [client for client in await redis.client_list() if int(client["sub"]) > 0]


async def test_everybody_hears_over_one_connection(redis: Redis, redis_url: str) -> None:
    """A hundred subscribers of fifty channels share one connection."""
    heard: list[list[bytes | None]] = [[] for _ in range(100)]
    async with started(redis_url) as hub:
        undo = [hub.subscribe(f"c{n % 50}", heard[n].append) for n in range(100)]

        async def told() -> bool:
            return all(heard)

        await until(told, what="all confirmations")
        for n in range(50):
            await redis.publish(f"c{n}", f"m{n}")

        async def got() -> bool:
            return all(f"m{n % 50}".encode() in heard[n] for n in range(100))

        await until(got, what="all messages")
        assert all(messages[0] is None for messages in heard), "the doubt comes first"
        [client] = await subscribers(redis)
        assert client["sub"] == "50"
        for forget in undo:
            forget()
            forget()

        async def quiet() -> bool:
            return not await subscribers(redis)

        await until(quiet, what="no channel left")
        assert hub.status()["channels"] == 0

    async def closed() -> bool:
        return client["id"] not in {other["id"] for other in await redis.client_list()}

    await until(closed, what="the connection's end")


async def test_a_channel_is_kept_while_anybody_wants_it(redis: Redis, redis_url: str) -> None:
    """Channels are counted: one subscriber leaving does not deafen another."""
    first: list[bytes | None] = []
    second: list[bytes | None] = []
    async with started(redis_url) as hub:
        leave = hub.subscribe("c", first.append)
        hub.subscribe("c", second.append)
        await publish_until(redis, "c", first)
        leave()
        second.clear()
        await publish_until(redis, "c", second)


async def test_a_subscription_that_came_and_went_is_made_anew(redis: Redis, redis_url: str) -> None:
    """Leaving and coming back at once never leaves a subscriber deaf."""
    async with started(redis_url) as hub:
        await healthy(hub)
        for _ in range(20):
            seen: list[bytes | None] = []
            leave = hub.subscribe("c", seen.append)
            await asyncio.sleep(0)
            leave()
        hub.subscribe("c", seen.append)
        await publish_until(redis, "c", seen)


async def test_one_bad_subscriber_does_not_silence_the_others(redis: Redis, redis_url: str) -> None:
    """An error in a callback stays with that callback."""

    def bad(_message: bytes | None) -> None:
        raise RuntimeError

    seen: list[bytes | None] = []
    async with started(redis_url) as hub:
        hub.subscribe("c", bad)
        hub.subscribe("c", seen.append)
        await publish_until(redis, "c", seen)


async def test_a_cut_connection_is_made_anew(redis: Redis, redis_url: str) -> None:
    """After its connection was killed the hub subscribes again and tells of the doubt."""
    seen: list[bytes | None] = []
    async with started(redis_url) as hub:
        hub.subscribe("c", seen.append)
        await publish_until(redis, "c", seen)
        [client] = await subscribers(redis)
        seen.clear()
        await redis.client_kill_filter(_id=client["id"])
        await publish_until(redis, "c", seen)
        assert seen[0] is None


async def test_a_restarted_redis_is_found_again(own_redis: EmbeddedRedis) -> None:
    """The hub outlives a Redis that is away, and hears the next one."""
    from redis.asyncio import Redis

    port = own_redis.port
    seen: list[bytes | None] = []
    async with started(own_redis.url) as hub:
        hub.subscribe("c", seen.append)
        await healthy(hub)
        await asyncio.to_thread(own_redis.stop)

        async def lost() -> bool:
            return not hub.healthy

        await until(lost, what="the loss")
        await asyncio.to_thread(own_redis.start)
        if own_redis.port != port:
            pytest.skip("the port was taken meanwhile")
        client: Redis = Redis.from_url(own_redis.url)
        await publish_until(client, "c", seen)
        await client.aclose()


async def test_a_silent_redis_is_noticed(own_redis: EmbeddedRedis) -> None:
    """A Redis that accepts and never answers makes the hub unhealthy, then it recovers."""
    from redis.asyncio import Redis

    assert own_redis.pid is not None
    seen: list[bytes | None] = []
    async with started(own_redis.url) as hub:
        hub.subscribe("c", seen.append)
        await healthy(hub)
        os.kill(own_redis.pid, signal.SIGSTOP)
        try:

            async def noticed() -> bool:
                return not hub.healthy

            await until(noticed, what="the silence")
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)
        client: Redis = Redis.from_url(own_redis.url)
        await publish_until(client, "c", seen)
        await client.aclose()


async def test_an_absent_redis_hurts_nobody() -> None:
    """Without Redis subscribing and leaving work, nothing is raised, and closing is quick."""
    async with started("redis://127.0.0.1:1/0") as hub:
        leave = hub.subscribe("c", lambda _message: None)
        assert hub.healthy is False
        leave()
    assert hub.status() == {"connected": False, "channels": 0, "subscribers": 0}


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_a_connection_is_closed_step_by_step(
    redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """When unsubscribing and closing the channel fail, or hang, the connection goes all the same.

    A connection that stayed was the leak.
    """
    monkeypatch.setattr(hub_module, "CLOSE_S", 0.1)

    async def broken(*_arguments: object) -> None:
        if how == "fails":
            raise ConnectionResetError
        await asyncio.Event().wait()

    seen: list[bytes | None] = []
    async with started(redis_url) as hub:
        hub.subscribe("c", seen.append)
        await publish_until(redis, "c", seen)
        [client] = await subscribers(redis)
        monkeypatch.setattr(hub._pubsub, "unsubscribe", broken)
        monkeypatch.setattr(hub._pubsub, "aclose", broken)

    async def gone() -> bool:
        return client["id"] not in {other["id"] for other in await redis.client_list()}

    await until(gone, what="the connection's end")


async def test_a_pause_of_this_process_is_no_silence(redis: Redis, redis_url: str) -> None:
    """Answers that came while it stood still are read before Redis is called silent."""
    seen: list[bytes | None] = []
    async with started(redis_url, heartbeat_s=0.3) as hub:
        hub.subscribe("c", seen.append)
        await publish_until(redis, "c", seen)
        for _ in range(4):
            [before] = await subscribers(redis)
            time.sleep(0.8)  # noqa: ASYNC251 - it blocks the loop
            await asyncio.sleep(0.1)
            [after] = await subscribers(redis)
            assert after["id"] == before["id"]


async def test_an_idle_connection_is_kept(redis: Redis, redis_url: str) -> None:
    """An idle subscriber is not reconnected, so nothing is lost in between."""
    seen: list[bytes | None] = []
    # a few of these without an answer are silence, which a machine that pauses must not make
    async with started(redis_url, heartbeat_s=0.3) as hub:
        hub.subscribe("c", seen.append)
        await publish_until(redis, "c", seen)
        [before] = await subscribers(redis)

        async def some_heartbeats_later() -> bool:
            [client] = await subscribers(redis)
            return int(client["tot-cmds"]) > int(before["tot-cmds"]) + 5

        await until(some_heartbeats_later, what="five heartbeats")
        [after] = await subscribers(redis)
        assert after["id"] == before["id"]
