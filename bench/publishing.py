"""What a publish costs its caller, with a healthy Redis and with a silent one."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Final

from redis.asyncio import Redis

from bench.measuring import median, table
from core.settings import get_settings
from notifications.publisher import publish_events, stop_publishing

PUBLISHES: Final = 100


async def measure(redis_pid: int | None) -> None:
    """Print what a publish costs in either way; a Redis of ours is silenced for the second part."""
    event = {"task_id": "bench", "seq": 1, "type": "content_completed", "message": "x" * 200}
    client: Redis = Redis.from_url(get_settings().redis_url.get_secret_value())

    async def ours() -> None:
        for _ in range(PUBLISHES):
            publish_events([event])

    async def inline() -> None:
        for _ in range(PUBLISHES):
            await asyncio.wait_for(client.publish("task_progress:bench", b"x" * 300), 5)

    rows = {
        "off the path (ours)": await median(ours),
        "awaited with a guard of 5 s": await median(inline),
    }
    table("Publishing, Redis healthy", rows, per=PUBLISHES, unit="publishes")
    if redis_pid is not None:
        os.kill(redis_pid, signal.SIGSTOP)
        try:
            began = time.perf_counter()
            await ours()
            took = time.perf_counter() - began
            print(f"\nPublishing, Redis silent: {PUBLISHES} publishes took {took * 1e3:.2f} ms")
            print(f"  awaited with a guard of 5 s they would take {PUBLISHES * 5} s")
        finally:
            os.kill(redis_pid, signal.SIGCONT)
    await client.aclose()
    await stop_publishing()
