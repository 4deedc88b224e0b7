"""A held event loop shows in the metric, in the API as in a worker."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY

from core import loop_lag
from core.loop_lag import leave_loop
from core.resources import Resources
from tests.factories import until
from tests.integration.api.conftest import in_process
from wiring.worker import worker_resources

if TYPE_CHECKING:
    import asyncpg
    import pytest
    from redis.asyncio import Redis

HELD_S = 0.6


def held() -> float:
    """Return how often the loop came back more than half a second late."""
    name = "roadmap_event_loop_lag_seconds"
    looks = REGISTRY.get_sample_value(f"{name}_count") or 0
    return looks - (REGISTRY.get_sample_value(f"{name}_bucket", {"le": "0.5"}) or 0)


async def _hold() -> None:
    """Hold the loop as code that calculates would; the metric has seen it once."""
    before = held()
    await asyncio.sleep(2 * loop_lag.STEP_S)  # the watcher sleeps by now
    time.sleep(HELD_S + loop_lag.STEP_S)  # noqa: ASYNC251 - this is what is tested

    async def seen() -> bool:
        return held() > before

    await until(seen, what="the lag in the metric")


async def test_the_api_sees_its_loop_held(
    database: asyncpg.Connection, redis: Redis, jwt_mode: None
) -> None:
    """`/metrics` of the API tells that everybody waited."""
    async with in_process() as client:
        await _hold()
        text = (await client.get("/metrics")).text
        assert "roadmap_event_loop_lag_seconds_bucket" in text


async def test_a_worker_sees_its_loop_held(
    database: asyncpg.Connection, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does a worker's process, from when its loop begins to when it ends."""
    async with Resources() as resources:
        await resources.open(worker_resources())
        await _hold()
    assert len(asyncio.all_tasks()) == 1, "nobody watches any more"
    await leave_loop()  # again is fine
