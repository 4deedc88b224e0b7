"""`roadmap probe worker`, on a worker that works, is busy, is deaf, is frozen."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from celery import Celery
from typer.testing import CliRunner

from cli.main import app
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.e2e.faults.worker_process import WorkerProcess
from tests.factories import until

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg
    from redis.asyncio import Redis


@pytest.mark.parametrize(
    "pool",
    [
        "threads",
        pytest.param(
            "prefork",
            marks=pytest.mark.skipif(not WHOLE_SET, reason="with FAULTS=all (make chaos)"),
        ),
    ],
)
async def test_the_probe_proves_that_it_consumes(
    database: asyncpg.Connection,
    redis: Redis,
    redis_url: str,
    postgres_url: str,
    tmp_path: Path,
    settings_env: pytest.MonkeyPatch,
    pool: str,
) -> None:
    """An idle worker proves itself by a message, whoever tells it to leave; a frozen one cannot."""
    pulses = str(tmp_path / "pulses")
    settings = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "PULSE_DIR": pulses}
    settings_env.setenv("ROADMAP_PULSE_DIR", pulses)
    worker = WorkerProcess(
        name=f"probed-{pool}",
        settings=settings,
        log=tmp_path / "worker.log",
        pool=pool,
        concurrency=2,
    )

    async def probe(*options: str) -> dict[str, Any]:
        command = ["probe", "worker", "--json", "--node", node, *options]
        result = await asyncio.to_thread(CliRunner().invoke, app, command)
        found: dict[str, Any] = orjson.loads(result.stdout)
        assert result.exit_code == (0 if found["ok"] else 1)
        return found

    control = Celery(broker=redis_url, set_as_current=False).control
    worker.start()
    try:
        worker.wait_ready()
        node = worker.logged("worker_ready")[0]["hostname"]

        async def beats() -> bool:
            return bool((await probe("--alive"))["ok"])

        await until(beats, what="the first pulse")
        assert await probe() == {"ok": True, "node": node, "problem": None}
        for queue in ("roadmap", "maintenance"):
            ((answer),) = control.cancel_consumer(queue, destination=[node], reply=True)
            assert "Not allowed" in answer[node]["error"]
        assert (await probe())["ok"], "nobody can make it leave its queues"
        if pool == "threads":
            for queue in ("roadmap", "maintenance"):
                control.add_consumer(queue, destination=[node], reply=True)

            async def listens() -> bool:
                return bool((await probe())["ok"])

            await until(listens, what="the probe to see that it listens again")
            worker.send_signal(signal.SIGSTOP)
            found = await probe("--timeout", "2")
            assert not found["ok"]
            assert "frozen" in found["problem"]
        if pool == "threads" and WHOLE_SET:  # it takes 15 s

            async def frozen() -> bool:
                found = await probe("--alive")
                return not found["ok"] and "frozen" in found["problem"]

            await until(frozen, within_s=40, what="the probe to see it frozen")
    finally:
        worker.kill()


def test_without_a_worker_there_is_nothing_to_prove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probe fails and says where it looked."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = CliRunner().invoke(app, ["probe", "worker"])
    assert result.exit_code == 1
    assert str(tmp_path) in result.stdout
