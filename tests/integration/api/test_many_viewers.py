"""Thousands of viewers of one API process, as it is started in earnest."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from db.recorder import observe, unobserve
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.factories import new_task, until
from tests.integration.api import seeds
from tests.integration.api.processes import Api, running_api
from tests.viewers import TRANSPORTS, Viewer, connect_all
from wiring.common import publish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    from redis.asyncio import Redis

TASKS = 100
VIEWERS = 2000


@pytest.fixture
async def api(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> AsyncIterator[Api]:
    """The API, while this process publishes what it commits, as a worker does."""
    settings_env.setenv("ROADMAP_AUTH", "none")
    observe(publish)
    async with running_api() as started:
        yield started
    unobserve(publish)


def connections(process: psutil.Process, port: int) -> int:
    """Return how many connections a process has to a server's port."""
    return sum(1 for c in process.net_connections("tcp") if c.raddr and c.raddr.port == port)


def open_files(process: psutil.Process, postgres_port: int) -> int:
    """Return the open files of a process, its pool of database connections left out."""
    return int(process.num_fds()) - connections(process, postgres_port)


@pytest.mark.skipif(not WHOLE_SET, reason="a minute; with FAULTS=all (make chaos)")
async def test_two_thousand_viewers_share_a_connection(
    api: Api,
    database: asyncpg.Connection,
    redis: Redis,
    postgres_url: str,
    record_property: Any,
) -> None:
    """1,000 SSE and 1,000 WebSocket viewers of 100 tasks cost Redis nothing more than one does.

    And when they have left, every connection and file is back where it was.
    """
    process = psutil.Process(api.process.pid)
    redis_port = redis.connection_pool.connection_kwargs["port"]
    postgres_port = int(postgres_url.rsplit(":", 1)[1].split("/", maxsplit=1)[0])
    tasks = [await new_task(user="local") for _ in range(TASKS)]
    warm = [Viewer(api.address, tasks[0], transport=t) for t in ("sse", "ws") for _ in range(20)]
    await connect_all(warm)
    for viewer in warm:
        viewer.cut()
    streams = f"{api.address}/api/v1/admin/streams"
    await until(lambda: open_streams(streams, 0), what="no open stream")
    before = (open_files(process, postgres_port), connections(process, redis_port))
    clients = len(await redis.client_list())

    late: list[float] = []

    def note(event: dict[str, Any]) -> None:
        if event["seq"] > 1:
            at = datetime.fromisoformat(event["at"])
            late.append((datetime.now(UTC) - at).total_seconds() * 1000)

    viewers = [
        Viewer(api.address, tasks[n % TASKS], transport="sse" if n % 2 else "ws", on_event=note)
        for n in range(VIEWERS)
    ]
    took_s = await connect_all(viewers)
    await until(lambda: open_streams(streams, VIEWERS), what="all streams")
    held = {connections(process, redis_port)}
    for number in range(4):
        for task in tasks:
            await (seeds.started(task) if number == 0 else seeds.emit(task, 1))
        held.add(connections(process, redis_port))
    expected = 1 + 4

    async def all_seen() -> bool:
        return all(len(viewer.seqs) == expected for viewer in viewers)

    await until(all_seen, what="every event at every viewer", within_s=30)
    assert all(viewer.seqs == list(range(1, expected + 1)) for viewer in viewers)
    assert len(held) == 1, f"connections to Redis came and went: {held}"
    assert held.pop() <= 10
    for viewer in viewers:
        viewer.cut()
    await until(lambda: open_streams(streams, 0), what="no open stream")

    async def as_before() -> bool:
        now = (open_files(process, postgres_port), connections(process, redis_port))
        # an earlier test's last connection may have ended meanwhile
        ended = all(one <= other for one, other in zip(now, before, strict=True))
        return ended and len(await redis.client_list()) <= clients

    await until(as_before, what="files and connections as before")
    late.sort()
    record_property("connected within s", round(took_s, 2))
    record_property("late ms p50", round(statistics.median(late), 1))
    record_property("late ms p99", round(late[int(len(late) * 0.99)], 1))


async def open_streams(address: str, count: int) -> bool:
    """Tell whether the API has that many streams open."""
    import httpx

    async with httpx.AsyncClient() as client:
        found = (await client.get(address)).json()["by_transport"]
    return bool(sum(found.values()) == count)


async def test_a_thousand_cuts(api: Api, database: asyncpg.Connection) -> None:
    """200 viewers, each cut at random five times, see 1..n without gap or repeat.

    A third of them by SSE, a third by WebSocket, a third by polling.
    """
    chance = random.Random(7)
    tasks = [await new_task(user="local") for _ in range(5)]
    viewers = [Viewer(api.address, tasks[n % 5], transport=TRANSPORTS[n % 3]) for n in range(200)]
    cuts = 0

    async def cut_now_and_then(viewer: Viewer) -> None:
        nonlocal cuts
        for _ in range(5):
            await asyncio.sleep(chance.uniform(0.1, 0.9))

            async def connected(viewer: Viewer = viewer) -> bool:
                return viewer.connected

            await until(connected, what="a connection to cut")
            viewer.cut()
            cuts += 1

    async def work() -> None:
        for task in tasks:
            await seeds.started(task)
        began = time.monotonic()
        while cuts < 1000:
            await asyncio.gather(*(seeds.emit(task, 1) for task in tasks))
            await asyncio.sleep(chance.uniform(0, 0.04))
            assert time.monotonic() - began < 60
        for task in tasks:
            await seeds.ended(task)

    watching = asyncio.gather(*(viewer.watch() for viewer in viewers))
    cutting = asyncio.gather(*(cut_now_and_then(viewer) for viewer in viewers))
    await asyncio.gather(work(), cutting)
    await asyncio.wait_for(watching, 30)
    assert cuts == 1000
    for task in tasks:
        last = await database.fetchval(
            "SELECT last_seq FROM roadmap_tasks WHERE task_id = $1", task
        )
        of_task = [viewer for viewer in viewers if viewer._task_id == task]
        assert last > 20
        assert all(viewer.seqs == list(range(1, last + 1)) for viewer in of_task)
