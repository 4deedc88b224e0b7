"""Probes, metrics, documentation, and what admins see."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from core.settings import get_settings
from tests.factories import new_task, until
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer, in_process
from tests.integration.api.processes import running_api

if TYPE_CHECKING:
    import asyncpg
    from redis.asyncio import Redis


async def test_all_is_well(local: httpx.AsyncClient) -> None:
    """With PostgreSQL at head and Redis up the API is alive, ready and healthy."""

    async def connected() -> bool:
        return (await local.get("/health")).json()["live_events"]["connected"] is True

    await until(connected)
    assert (await local.get("/livez")).json() == {"status": "alive"}
    ready = await local.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ready", "postgresql": "up", "migrations": "head", "redis": "up"},
    )
    health = (await local.get("/health")).json()
    assert health["status"] == "healthy"
    assert health["database"]["pool"]["pool_size"] >= 1


async def test_without_redis_it_is_degraded_and_says_so(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A dead Redis is shown, and the API stays ready: rows are the outbox and the log (L61)."""
    settings_env.setenv("ROADMAP_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    async with in_process() as client:
        ready = await client.get("/readyz")
        health = await client.get("/health")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["redis"] == "down"
    assert health.json()["status"] == "degraded"


async def test_an_old_schema_is_not_ready(
    local: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A database that is not at the newest migration makes the API unready (L60)."""
    head = await database.fetchval("SELECT version_num FROM alembic_version")
    await database.execute("UPDATE alembic_version SET version_num = '0000'")
    try:
        ready = await local.get("/readyz")
    finally:
        await database.execute("UPDATE alembic_version SET version_num = $1", head)
    assert (ready.status_code, ready.json()["migrations"]) == (503, "0000")
    assert int(ready.headers["retry-after"]) > 0


async def test_a_silent_database_does_not_hang_a_probe(
    redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """Readiness answers within its guard although PostgreSQL never does; liveness stays green."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
        port = silent.getsockname()[1]
        settings_env.setenv("ROADMAP_DATABASE_URL", f"postgresql://a:b@127.0.0.1:{port}/c")
        get_settings.cache_clear()
        async with in_process() as client:
            started = time.monotonic()
            first, second, alive = await asyncio.gather(
                client.get("/readyz"), client.get("/readyz"), client.get("/livez")
            )
            assert time.monotonic() - started < 3
    assert (first.status_code, second.status_code, alive.status_code) == (503, 503, 200)
    assert first.json()["postgresql"] == "down"


async def test_metrics_are_served(local: httpx.AsyncClient) -> None:
    """What is counted can be read, by route and not by id (L61)."""
    task_id = await new_task()
    await local.get(f"/api/v1/tasks/{task_id}")
    text = (await local.get("/metrics")).text
    assert 'roadmap_http_requests_total{method="GET",route="/api/v1/tasks/{task_id}"' in text
    assert str(task_id) not in text
    assert "roadmap_hub_connected" in text


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

    async def connected() -> bool:
        report = (await alice.get("/api/v1/admin/redis")).json()
        return bool(report["hub"]["connected"])

    await until(connected)
    found = {
        name: (await alice.get(f"/api/v1/admin/{name}")).json()
        for name in ("database", "redis", "streams", "queue")
    }
    assert found["database"]["server"]["sessions"] >= 1
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


async def test_without_redis_admin_pages_answer(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A dead Redis is 503 where only Redis can tell, and no hindrance elsewhere."""
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
    """Neither the access line nor the WebSocket's line shows the query string (L44)."""
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
