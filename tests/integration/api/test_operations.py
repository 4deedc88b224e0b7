"""Probes, metrics, documentation, and what admins see."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from core.settings import get_settings
from embedded import EmbeddedRedis
from tests import book, own
from tests.factories import a_worker_is_there, new_task, until
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer, in_process
from tests.integration.api.processes import running_api
from watching.queries import queue_state
from workflow import registry
from workflow.authoring import definition
from workflow.minutes import note_minute
from workflow.recovery import Queue
from workflow.service import create_task

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg
    from redis.asyncio import Redis


async def test_all_is_well(local: httpx.AsyncClient, database: asyncpg.Connection) -> None:
    """With PostgreSQL at head, Redis and a worker there the API is alive, ready and healthy."""
    await a_worker_is_there(database)

    async def connected() -> bool:
        return (await local.get("/health")).json()["live_events"]["connected"] is True

    await until(connected)
    assert (await local.get("/livez")).json() == {"status": "alive"}
    ready = await local.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {
            "status": "ready",
            "postgresql": "up",
            "migrations": "head",
            "redis": "up",
            "workers": "up",
        },
    )
    health = (await local.get("/health")).json()
    assert health["status"] == "healthy"
    assert health["database"]["pool"]["pool_size"] >= 1


async def test_no_worker_takes_messages(
    local: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Without a worker, or with one that lives and takes nothing, readiness is red and says so."""
    for consumes in (None, False, True):
        if consumes is not None:
            await a_worker_is_there(database, consumes=consumes)
        ready = await local.get("/readyz")
        serving = await local.get("/readyz?exclude=workers")
        assert (ready.status_code, serving.status_code) == (200 if consumes else 503, 200)
        assert ready.json()["workers"] == ("up" if consumes else "down")
        assert consumes or "No worker takes messages" in ready.json()["effects"][0]
    await database.execute("UPDATE workers SET seen_at = now() - interval '1 minute'")
    assert (await local.get("/readyz?exclude=redis,broker")).status_code == 503
    assert (await local.get("/readyz?exclude=redis,workers")).status_code == 200


async def test_redis_killed_and_back(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Killing Redis turns readiness and metrics red within 10 s, saying what follows.

    Load balancers may leave it out, since the API serves without it. Green again when it is back.
    """
    await a_worker_is_there(database)
    with EmbeddedRedis(tmp_path) as server:
        settings_env.setenv("ROADMAP_REDIS_URL", server.url)
        get_settings.cache_clear()
        async with running_api() as api, httpx.AsyncClient(base_url=api.address) as client:

            async def green() -> bool:
                ready = await client.get("/readyz")
                metrics = (await client.get("/metrics")).text
                return (
                    ready.status_code == 200
                    and 'roadmap_dependency_up{dependency="redis"} 1.0' in metrics
                    and 'roadmap_queue_depth{queue="roadmap"} 0.0' in metrics
                    and "roadmap_hub_connected 1.0" in metrics
                )

            async def red() -> bool:
                ready = await client.get("/readyz")
                metrics = (await client.get("/metrics")).text
                return (
                    (ready.status_code, ready.json()["status"]) == (503, "degraded")
                    and 'roadmap_dependency_up{dependency="redis"} 0.0' in metrics
                    and 'roadmap_dependency_up{dependency="postgresql"} 1.0' in metrics
                    and 'roadmap_queue_depth{queue="roadmap"} NaN' in metrics
                    and "roadmap_hub_connected 0.0" in metrics
                )

            await until(green)
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            await until(red, within_s=10)
            ready = await client.get("/readyz")
            (effect,) = ready.json()["effects"]
            assert "polling" in effect
            assert "wait for a worker" in effect
            assert (await client.get("/health")).json()["effects"] == [effect]
            serving = await client.get("/readyz?exclude=redis")
            assert (serving.status_code, serving.json()["redis"]) == (200, "down")
            server.start()
            await until(green, within_s=10)


async def test_an_old_schema_is_not_ready(
    local: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A database that is not at the newest migration makes the API unready."""
    head = await database.fetchval("SELECT version_num FROM alembic_version")
    await database.execute("UPDATE alembic_version SET version_num = '0001'")
    try:
        ready = await local.get("/readyz")
    finally:
        await database.execute("UPDATE alembic_version SET version_num = $1", head)
    assert (ready.status_code, ready.json()["migrations"]) == (503, "0001")
    assert int(ready.headers["retry-after"]) > 0


async def test_a_silent_database_does_not_hang_a_probe(
    redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """Readiness answers within its guard although PostgreSQL never does; liveness stays green."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
        port = silent.getsockname()[1]
        settings_env.setenv("ROADMAP_DATABASE_URL", f"postgresql://a:b@127.0.0.1:{port}/c")
        get_settings.cache_clear()
        async with in_process() as client, asyncio.timeout(20):  # without a guard: for ever
            first, second, alive = await asyncio.gather(
                client.get("/readyz"), client.get("/readyz"), client.get("/livez")
            )
    assert (first.status_code, second.status_code, alive.status_code) == (503, 503, 200)
    assert first.json()["postgresql"] == "down"


async def test_metrics_are_served(local: httpx.AsyncClient, database: asyncpg.Connection) -> None:
    """What is counted can be read, by route and not by id; rows tell what waits, how long."""
    task_id = await new_task()
    await database.execute("UPDATE roadmap_tasks SET created_at = created_at - interval '1 minute'")
    await local.get(f"/api/v1/tasks/{task_id}")
    text = (await local.get("/metrics")).text
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["roadmap_tasks", "pending"] == 1
    assert found["roadmap_tasks", "failed"] == 0
    assert found["roadmap_tasks_waiting",] == 1
    assert 60 <= found["roadmap_oldest_waiting_seconds",] < 90
    assert found["roadmap_queue_depth", "roadmap"] >= 0
    assert found["roadmap_events_committed_total", "task_queued"] >= 1
    # what never happened is told as 0, or its first time would be no increase
    assert found["roadmap_events_committed_total", "task_cancelled"] >= 0
    assert found["roadmap_job_runs_total", "purge", "failed"] >= 0
    assert found["roadmap_job_age_seconds", "recover"] == math.inf
    assert math.isnan(found["roadmap_audit_findings", "seq_gap"])
    assert found["db_engine_count",] >= 1
    assert found["roadmap_db_connections_open",] >= found["roadmap_db_connections_in_use",] >= 0
    assert 'roadmap_http_requests_total{method="GET",route="/api/v1/tasks/{task_id}"' in text
    assert str(task_id) not in text
    assert "roadmap_hub_connected" in text


async def test_what_waits_for_its_user_waits_for_no_worker(
    local: httpx.AsyncClient, database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A task of a user who has begun as many as he may is nothing to alert, or to scale, for."""
    settings_env.setenv("ROADMAP_USER_MAX_ACTIVE_TASKS", "1")
    get_settings.cache_clear()
    await seeds.review(database)
    await new_task()
    assert (await queue_state()).waiting == 0
    await new_task(user="bob")
    assert (await queue_state()).waiting == 1


async def test_tasks_of_workflows_that_nobody_knows(
    alice: httpx.AsyncClient, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Admins see of which workflow they are, and how many."""
    registry.register(definition(book.book))
    for topic in ("Wind", "Rain"):
        request = book.BookRequest(topic=topic)
        await create_task(request, user_id="alice", workflow="book")
    alice.headers.update(bearer("root", role="admin"))
    assert (await alice.get("/api/v1/admin/queue")).json()["unknown"] == []
    own.unknown(monkeypatch, "book")
    unknown = (await alice.get("/api/v1/admin/queue")).json()["unknown"]
    assert unknown == [{"workflow": "book", "version": 1, "tasks": 2}]


async def test_the_documentation_works_offline(local: httpx.AsyncClient) -> None:
    """The docs page lists every operation and loads nothing from anywhere."""
    page = await local.get("/api/docs")
    schema = (await local.get("/api/openapi.json")).json()
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in page.text
    assert "//" not in page.text.replace("<!doctype", "")
    for operations in schema["paths"].values():
        for operation in operations.values():
            assert f"id='{operation['operationId']}'" in page.text


async def test_admins_see_what_is_going_on(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Pools, sessions, Pub/Sub, live clients and the queue can be read by admins."""
    alice.headers.update(bearer("root", role="admin"))
    await new_task()
    await seeds.failed_task()
    await a_worker_is_there(database)
    [idle] = (await alice.get("/api/v1/admin/queue")).json()["fleet"]
    assert idle.pop("since").endswith("Z")
    known = {"name": "told", "pool": "threads", "slots": 1, "spare": 0, "tasks": 0, "takes": True}
    assert idle == known

    async def connected() -> bool:
        report = (await alice.get("/api/v1/admin/redis")).json()
        return bool(report["hub"]["connected"])

    await until(connected)
    found = {
        name: (await alice.get(f"/api/v1/admin/{name}")).json()
        for name in ("database", "redis", "streams", "queue")
    }
    assert found["database"]["server"]["sessions"] >= 1
    server = found["database"]["server"]
    assert 0 < server["admitted"] < server["max_connections"], "some are kept for superusers"
    assert found["redis"]["server"]["clients"] >= 1
    assert found["redis"]["server"]["clients_by_name"]["roadmap-hub"] >= 1
    assert found["redis"]["pool"]["in_use"] <= found["redis"]["pool"]["limit"]
    assert found["redis"]["publisher"]["failing"] is False
    assert isinstance(found["redis"]["advice"], list)
    assert found["streams"]["by_user"] == {}
    assert found["streams"]["limits"]["per_process"] > found["streams"]["limits"]["per_user"]
    queue = found["queue"]
    assert (queue["tasks_by_status"]["pending"], queue["tasks_by_status"]["failed"]) == (1, 1)
    assert queue["waiting"] == 1
    assert queue["oldest_waiting_s"] >= 0
    assert queue["queue"]["status"] == "up"
    await note_minute(Queue(depth=7))
    await note_minute(Queue(depth=8))  # the minute is noted
    minutes = (await alice.get("/api/v1/admin/last-hour")).json()["minutes"]
    assert len(minutes) == 60
    noted, *_ = [each for each in minutes if each["running"] is not None]
    assert (noted["waiting"], noted["running"], noted["depth"]) == (queue["waiting"], 0, 7)
    ended = {status: sum(each["ended"][status] for each in minutes) for status in noted["ended"]}
    assert ended == {status: queue["tasks_by_status"][status] for status in ended}


async def test_without_redis_admin_pages_answer(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A dead Redis is 503 where only Redis can tell, and no hindrance elsewhere."""
    settings_env.setenv("ROADMAP_AUTH", "none")
    settings_env.setenv("ROADMAP_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    async with in_process() as client:
        assert (await client.get("/api/v1/admin/redis")).status_code == 503
        assert (await client.get("/api/v1/admin/database")).status_code == 200


async def test_the_process_refuses_to_open_itself(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """`local` mode on an address that others can reach does not start, and says why."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api",
        "--host",
        "0.0.0.0",  # noqa: S104 - it must be refused
        stderr=asyncio.subprocess.PIPE,
    )
    _out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert b"ROADMAP_AUTH" in err
    assert b"Traceback" not in err


async def test_server_logs_hold_no_ticket(database: asyncpg.Connection, redis: Redis) -> None:
    """Neither the access line nor the WebSocket's line shows the query string."""
    async with running_api() as api:
        async with httpx.AsyncClient(base_url=api.address) as client:
            await client.get("/api/v1/tasks?ticket=canary-one")
        with pytest.raises(InvalidStatus):
            async with connect(
                api.address.replace("http", "ws") + "/api/v1/ws/tasks/1?ticket=canary-two",
                proxy=None,
            ):
                pass
        api.process.terminate()
        await api.process.wait()
    log = b"".join(api.log)
    assert b"/api/v1/tasks" in log
    assert b"canary" not in log
