"""Our API as a process of its own, for parts of the bench that ask or watch it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp

from bench.places import ROOT
from embedded import spawn_child, stop_child
from embedded.ports import free_port

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator

    from bench.places import Place

PATIENCE_S: Final = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """Where it is, and its process."""

    address: str
    pid: int


@asynccontextmanager
async def running_api(place: Place) -> AsyncIterator[Api]:
    """Run the API; yields once it answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = {
        "ROADMAP_DATABASE_URL": place.database_url,
        "ROADMAP_REDIS_URL": place.redis_url,
        "ROADMAP_AUTH": "none",
        "ROADMAP_LOG_LEVEL": "WARNING",
        # all viewers are one user at one address here
        "ROADMAP_USER_MAX_STREAMS": "20000",
        "ROADMAP_ADDRESS_MAX_CONNECTIONS": "20000",
    }
    process: subprocess.Popen[bytes] = spawn_child(
        (sys.executable, "-m", "api", "--port", str(port)),
        env={**os.environ, **settings},
        cwd=ROOT,
        log=place.new_log("api"),
    )
    try:
        async with aiohttp.ClientSession() as client, asyncio.timeout(PATIENCE_S):
            while not await _answers(client, address):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        yield Api(address=address, pid=process.pid)
    finally:
        stop_child(process, steps=[(signal.SIGTERM, 10.0)])


async def _answers(client: aiohttp.ClientSession, address: str) -> bool:
    try:
        async with client.get(f"{address}/livez") as answer:
            return answer.ok
    except aiohttp.ClientError:
        return False


def percentiles(values: list[float]) -> dict[str, float]:
    """Return the median and the worst of a hundred."""
    ordered = sorted(values)
    at = {"p50": 0.5, "p99": 0.99}
    return {name: round(ordered[int(len(ordered) * part)], 2) for name, part in at.items()}
