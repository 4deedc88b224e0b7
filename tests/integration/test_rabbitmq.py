"""RabbitMQ as the broker, Redis for live progress only. With FAULTS=all: it starts slowly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from celery import Celery
from kombu import Connection

from core.ids import new_id
from core.settings import get_settings
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.e2e.faults.worker_process import WorkerProcess
from tests.factories import pair, until
from tests.integration.api.processes import running_api
from tests.integration.rabbitmq import RabbitMQ

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg
    from redis.asyncio import Redis


def _send_junk(url: str) -> int:
    """Send what no worker can take, as AMQP carries it; return how many messages there were."""
    bodies: list[bytes] = [b"", b"garbage", b"\xff\xfe", b"{}", b"[[], {}]", b"x" * 2_000_000]
    headers: list[dict[str, Any]] = [
        {},
        {"task": "roadmap.resume", "id": "x"},
        {"task": "os.system", "id": "x"},
        {"task": 1, "id": []},
        {"task": "roadmap.resume", "id": "x", "compression": "zlib"},
        {"task": "roadmap.resume", "id": "x", "timelimit": "x"},
    ]
    types = ("application/json", "application/x-python-serialize", None)
    sent = 0
    with Connection(url) as connection, connection.channel() as channel:
        for body in bodies:
            for given in headers:
                for content_type in types:
                    message = channel.prepare_message(
                        body,
                        content_type=content_type,
                        content_encoding="utf-8",
                        headers=given,
                        properties={},
                    )
                    channel.basic_publish(message, exchange="", routing_key="roadmap")
                    sent += 1
    return sent


@pytest.mark.skipif(not WHOLE_SET, reason="with FAULTS=all (make chaos): RabbitMQ starts slowly")
@pytest.mark.parametrize("pool", ["threads", "prefork"])
async def test_rabbitmq_is_a_broker_too(
    database: asyncpg.Connection,
    redis: Redis,
    settings_env: pytest.MonkeyPatch,
    redis_url: str,
    postgres_url: str,
    tmp_path: Path,
    pool: str,
) -> None:
    """Requests and foreign messages are worked on; its depth is known, its absence is shown."""
    with RabbitMQ(tmp_path) as rabbit:
        settings_env.setenv("ROADMAP_BROKER_URL", rabbit.url)
        settings_env.setenv("ROADMAP_AUTH", "none")
        get_settings.cache_clear()
        worker = WorkerProcess(
            name="rabbit",
            pool=pool,
            concurrency=2,
            settings={
                "DATABASE_URL": postgres_url,
                "REDIS_URL": redis_url,
                "BROKER_URL": rabbit.url,
                "SAMPLE_LATENCY_S": "0",
            },
            log=tmp_path / "worker.log",
        )
        async with (
            running_api() as api,
            httpx.AsyncClient(base_url=f"{api.address}/api/v1", timeout=20) as client,
        ):

            async def queue() -> dict[str, Any]:
                return dict((await client.get("/admin/queue")).json()["queue"])

            async def ask() -> str:
                body = {"goal": "Learn Rust", "review": False}
                return str((await client.post("/tasks", json=body)).json()["task_id"])

            async def ready() -> int:
                return (await client.get(f"{api.address}/readyz")).status_code

            async def all_done() -> bool:
                return all([await pair(database, task) == ("completed",) * 2 for task in tasks])

            async def three_wait() -> bool:
                found = await queue()
                return (found["status"], found["depth"], found["oldest"]) == ("up", 3, None)

            tasks = [await ask() for _ in range(3)]
            await until(three_wait, what="three messages in the queue")
            metrics = (await client.get(f"{api.address}/metrics")).text
            assert 'roadmap_queue_depth{queue="roadmap"} 3.0' in metrics
            worker.start()
            try:
                worker.wait_ready()
                refused = await asyncio.to_thread(_send_junk, rabbit.url)
                foreign = Celery(broker=rabbit.url, set_as_current=False)
                task_id = str(new_id())
                request = {"goal": "Learn chess", "review": False}
                foreign.send_task(
                    "roadmap.generate",
                    queue="roadmap",
                    task_id=task_id,
                    kwargs={"task_id": task_id, "user_id": "alice", "request": request},
                )
                foreign.close()

                async def arrived() -> bool:
                    return bool(await database.fetchval("SELECT count(*) = 4 FROM roadmap_tasks"))

                await until(arrived, what="the foreign task")
                tasks.append(task_id)
                await until(all_done, within_s=40, what="all four tasks")

                async def set_aside() -> bool:
                    counted = "SELECT coalesce(sum(messages), 0) FROM rejected_counts"
                    return bool(await database.fetchval(counted) == refused)

                await until(set_aside, what=f"{refused} messages set aside")

                rabbit.stop()

                async def red() -> bool:
                    return await ready() == 503

                await until(red, within_s=10, what="readiness to turn red")
                effects = (await client.get(f"{api.address}/readyz")).json()["effects"]
                assert "broker" in effects[0]
                tasks.append(await ask())
                rabbit.start()

                async def green() -> bool:
                    return await ready() == 200

                await until(green, within_s=20, what="readiness to turn green")
                tasks.append(await ask())
                tasks.remove(tasks[4])  # its message was lost: `maintenance.recover` rings again
                await until(all_done, within_s=60, what="a task after the restart")
            finally:
                worker.kill()
