"""How soon a task begins on an idle stack, seen by whoever asked for it."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import orjson

from bench.field import OURS
from bench.jobs import prepare, running
from bench.programs import percentiles, running_api

if TYPE_CHECKING:
    from bench.places import Place

_WARM: Final = 5


async def measure(place: Place, *, tasks: int) -> dict[str, Any]:
    """Return milliseconds from `POST /tasks` to `task_started`: when it is, and when it is seen."""
    await prepare(place)
    begun, seen = [], []
    async with (
        running(OURS, "sleep", place) as _worker,
        running_api(place) as api,
        aiohttp.ClientSession(f"{api.address}/api/v1/") as client,
    ):
        for _ in range(_WARM):
            await _one(client)
        for _ in range(tasks):
            begun_ms, seen_ms = await _one(client)
            begun.append(begun_ms)
            seen.append(seen_ms)
    found = {"task_started_ms": percentiles(begun), "seen_ms": percentiles(seen)}
    print(f"\nLatency, {tasks} tasks one after the other on an idle stack: {found}")
    return found


async def _one(client: aiohttp.ClientSession) -> tuple[float, float]:
    asked = {"goal": "Learn to knot carpets of 1 concepts", "review": False}
    began, clock = time.time(), time.perf_counter()
    async with client.post("tasks", json=asked) as answer:
        answer.raise_for_status()
        task = (await answer.json())["task_id"]
    found = (0.0, 0.0)
    async with client.get(f"tasks/{task}/stream") as stream:
        async for line in stream.content:
            if not line.startswith(b"data: "):
                continue
            event = orjson.loads(line[6:])
            if event["type"] == "task_started":
                at = datetime.fromisoformat(event["at"]).timestamp()
                found = (max(0.0, at - began) * 1e3, (time.perf_counter() - clock) * 1e3)
    return found
