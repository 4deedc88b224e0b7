"""Maintenance jobs over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from core.jobs import JOBS
from tests.integration.api.conftest import bearer, in_process
from worker import app
from workflow.schedules import run_job

if TYPE_CHECKING:
    import asyncpg
    import httpx
    from redis.asyncio import Redis

PATH = "/api/v1/admin/schedules"


@pytest.fixture
def admin(alice: httpx.AsyncClient) -> httpx.AsyncClient:
    """An admin's client."""
    alice.headers.update(bearer("root", role="admin"))
    return alice


async def _work() -> dict[str, Any]:
    return {"ran": 1}


async def test_jobs_are_listed(admin: httpx.AsyncClient) -> None:
    """Each job shows what it does, its interval, last and next run, duration and outcome."""
    await run_job("purge", _work, scheduled=True)
    listed = {entry["name"]: entry for entry in (await admin.get(PATH)).json()["schedules"]}
    assert listed.keys() == JOBS.keys()
    purge = listed["purge"]
    assert (purge["interval_s"], purge["paused"], purge["outcome"]) == (3600, False, {"ran": 1})
    assert purge["last_run_at"] < purge["next_run_at"]
    assert purge["duration_s"] >= 0
    assert purge["description"]
    assert purge["if_paused"]


async def test_pausing_outlasts_a_restart(
    admin: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A paused job is paused for every process, also for those that start later."""
    paused = await admin.post(f"{PATH}/purge/pause")
    assert (paused.status_code, paused.json()["paused"]) == (200, True)
    async with in_process() as another:
        listed = await another.get(PATH, headers=bearer("root", role="admin"))
    assert {e["name"]: e["paused"] for e in listed.json()["schedules"]}["purge"] is True
    assert (await admin.post(f"{PATH}/purge/resume")).json()["paused"] is False


async def test_a_run_is_asked_for(admin: httpx.AsyncClient, redis: Redis) -> None:
    """A run on request is 202 and a message for a worker, which does not say `scheduled`."""
    before = (await admin.post(f"{PATH}/audit/pause")).json()
    response = await admin.post(f"{PATH}/audit/run")
    assert (response.status_code, response.json()) == (202, before)
    assert int(response.headers["retry-after"]) >= 1
    [raw] = await redis.lrange("maintenance", 0, -1)
    message = json.loads(raw)
    assert message["headers"]["task"] == "maintenance.audit"
    assert "scheduled" not in message["headers"]["kwargsrepr"]


async def test_unknown_names_are_404(admin: httpx.AsyncClient) -> None:
    """A name that no job has is 404 for each verb."""
    answers = await asyncio.gather(
        *(admin.post(f"{PATH}/nothing/{verb}") for verb in ("pause", "resume", "run"))
    )
    assert {answer.status_code for answer in answers} == {404}


async def test_without_a_broker_a_run_is_503(
    admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no worker can be asked the answer says so; nothing pretends to run."""
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    monkeypatch.setitem(app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    response = await admin.post(f"{PATH}/audit/run")
    assert (response.status_code, response.json()["code"]) == (503, "service_unavailable")
    assert int(response.headers["retry-after"]) > 0
