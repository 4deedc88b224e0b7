"""What viewers cost the API, and how late an event is that many of them wait for."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import Redis

from bench import costs
from bench.places import ROOT
from bench.programs import Api, percentiles, running_api
from core.settings import get_settings
from db.engine import dispose_engine
from db.facts import EventDraft, Fact
from db.recorder import flush_recorder, observe, record, unobserve
from notifications.publisher import stop_publishing
from roadmaps.requests import TaskRequest
from wiring.common import publish
from workflow.service import create_task

if TYPE_CHECKING:
    from uuid import UUID

    from bench.places import Place

TASKS: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """So many viewers, who see so many events a second each, for so long."""

    viewers: int = 1000
    rate: int = 27
    seconds: float = 8.0


FULL: Final = (Size(), Size(viewers=5000, rate=1))
QUICK: Final = (Size(viewers=300, rate=10, seconds=4.0),)


async def measure(place: Place, *, size: tuple[Size, ...]) -> dict[str, Any]:
    """Return lateness and the API's CPU per delivered event, for each size."""
    _allow_many_files()
    get_settings.cache_clear()
    found: dict[str, Any] = {}
    observe(publish)
    try:
        async with running_api(place) as api:
            for each in size:
                found[f"{each.viewers} viewers, {each.rate} events/s each"] = await _watched(
                    api, each, place
                )
    finally:
        unobserve(publish)
        await stop_publishing()
        await flush_recorder()
        await dispose_engine()
    return found


def _allow_many_files() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _watched(api: Api, size: Size, place: Place) -> dict[str, Any]:
    tasks = [await create_task(TaskRequest(goal="bench"), user_id="local") for _ in range(TASKS)]
    command = (
        *(sys.executable, "-m", "bench.watchers", api.address),
        *(str(size.seconds + 4), str(size.viewers), *map(str, tasks)),
    )
    watching = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, limit=2**26
    )
    assert watching.stdout is not None  # noqa: S101 - it was asked for
    await watching.stdout.readline()
    before = costs.cpu_s(api.pid)
    async with Redis.from_url(place.redis_url) as client:
        channels = list(await client.client_list(_type="pubsub"))
    sent = await _emit(tasks, size)
    told = json.loads(await watching.stdout.readline())
    spent = costs.cpu_s(api.pid) - before
    await watching.wait()
    wanted = sent * size.viewers // TASKS
    found = {
        "viewers": size.viewers,
        "events_s": size.rate,
        "delivered": round(told["events"] / wanted, 4),
        "late_ms": percentiles(told["late_ms"]),
        "api_cpu_us": round(spent / max(1, told["events"]) * 1e6, 2),
        "api_mb": round(costs.memory(api.pid) / 1e6),
        "redis_connections": len(channels),
    }
    print(f"\nViewers: {found}", flush=True)
    return found


async def _emit(tasks: list[UUID], size: Size) -> int:
    """Record events of all tasks at the rate; return how many there were."""
    events, began = int(size.rate * size.seconds), time.monotonic()
    for number in range(events):
        facts = (
            Fact(task_id=task, events=(EventDraft(type="task_queued", message="bench"),))
            for task in tasks
        )
        await asyncio.gather(*map(record, facts))
        await asyncio.sleep(max(0.0, began + (number + 1) / size.rate - time.monotonic()))
    return events * len(tasks)
