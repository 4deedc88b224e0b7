"""`/metrics` of workers and beat, as Prometheus reads them."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from embedded import spawn_child, stop_child
from embedded.ports import free_port
from tasks.dispatch import close_bell, install_bell
from tests.broker import use_broker
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.e2e.faults.worker_process import ROOT, WorkerProcess, program_environment
from tests.factories import new_task, pair, until
from workflow import doorbell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import asyncpg
    from redis.asyncio import Redis

only_in_the_whole_set = pytest.mark.skipif(not WHOLE_SET, reason="with FAULTS=all (make chaos)")
Samples = dict[tuple[str, ...], float]


@pytest.fixture
def bell(redis: Redis, redis_url: str) -> Iterator[None]:
    """Rings go to Redis."""
    use_broker(redis_url)
    install_bell()
    yield
    close_bell()
    doorbell.install(None)


async def scrape(port: int) -> Samples:
    """Return what is served, by name and labels' values; nothing when nobody answers yet."""
    async with httpx.AsyncClient() as client:
        try:
            answer = await client.get(f"http://127.0.0.1:{port}/metrics")
        except httpx.TransportError:
            return {}
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.parametrize("pool", ["prefork", pytest.param("threads", marks=only_in_the_whole_set)])
async def test_a_worker_adds_up_its_processes(
    database: asyncpg.Connection,
    redis_url: str,
    postgres_url: str,
    bell: None,
    pool: str,
    tmp_path: Path,
) -> None:
    """Whatever the pool, one scrape tells what all processes of a worker did, and hold now.

    Its log lines bear task, step, epoch, delivery, and the request that asked for it all.
    """
    port = free_port()
    worker = WorkerProcess(
        name="metered",
        pool=pool,
        concurrency=2,
        log=tmp_path / "worker.log",
        settings={
            "DATABASE_URL": postgres_url,
            "REDIS_URL": redis_url,
            "METRICS_PORT": str(port),
            "SAMPLE_LATENCY_S": "0.1",
        },
    )
    worker.start()
    try:
        worker.wait_ready()
        with structlog.contextvars.bound_contextvars(request_id="asked-for-here"):
            tasks = [await new_task(goal=f"Learn Rust {number}") for number in range(4)]

        async def both_busy() -> bool:
            return (await scrape(port)).get(("roadmap_leases_held",)) == 2

        async def done() -> bool:
            return all([await pair(database, task) == ("completed",) * 2 for task in tasks])

        await until(both_busy, what="two leases held")
        await until(done, within_s=40, what="four completed tasks")

        async def told() -> Samples:
            found = await scrape(port)
            return found if found.get(("roadmap_runs_total", "completed")) == 4 else {}

        line = worker.logged("step_completed", task_id=str(tasks[0]), step="intent_analysis")[0]
        assert (line["request_id"], line["epoch"]) == ("asked-for-here", 1)
        assert line["delivery"] == str(tasks[0])
        found = await until(told, what="four runs in the metrics")
        events = await database.fetchval(
            "SELECT count(*) FROM task_events WHERE type <> 'task_queued'"
        )
        contents = await database.fetchval("SELECT count(*) FROM contents")
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait_end() == 0
    committed = {
        key[1]: n for key, n in found.items() if key[0] == "roadmap_events_committed_total"
    }
    assert sum(committed.values()) == events
    assert found["roadmap_leases_held",] == 0
    # one per process that runs workflows; prefork has a child for its spare slot, too
    assert found["db_engine_count",] == (3 if pool == "prefork" else 1)
    assert found["roadmap_step_seconds_count", "intent_analysis", "roadmap"] == 4
    written = [n for key, n in found.items() if key[0] == "roadmap_content_seconds_count"]
    assert sum(written) == contents
    calls = [n for key, n in found.items() if key[0] == "roadmap_llm_calls_total"]
    assert sum(calls) >= contents
    assert found["roadmap_published_total",] > 0


@only_in_the_whole_set  # tests/integration/test_compose.py looks at the same by its health check
async def test_beat_tells_what_it_sends(
    redis: Redis, redis_url: str, postgres_url: str, tmp_path: Path
) -> None:
    """Beat counts the jobs it asked for, so that a silent one shows."""
    port = free_port()
    settings = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "METRICS_PORT": str(port)}
    beat = spawn_child(
        [sys.executable, "-m", "celery", "-A", "worker", "beat", "-s", str(tmp_path / "schedule")],
        env=program_environment(settings),
        cwd=ROOT,
        log=tmp_path / "beat.log",
    )
    try:

        async def sent() -> bool:
            key = ("roadmap_beat_sent_total", "maintenance.recover")
            return (await scrape(port)).get(key, 0) >= 1

        await until(sent, within_s=40, what="a job sent by beat")
    finally:
        stop_child(beat, steps=[(signal.SIGTERM, 10.0)])
