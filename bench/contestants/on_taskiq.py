"""taskiq: a task queue whose tasks are coroutines, on the worker's own loop."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from taskiq_redis import ListQueueBroker

from bench.contestants import job

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from sqlalchemy.ext.asyncio import AsyncEngine

broker = ListQueueBroker(os.environ["BENCH_REDIS_URL"], socket_timeout=None)
"""It waits for messages longer than the five seconds after which redis-py gives up by itself."""


@cache
def _connections() -> tuple[AsyncEngine, Redis, job.Model]:
    return job.engine(pool_size=10, max_overflow=0), job.redis(), job.model()


@broker.task(task_name="bench.job")
async def generate(number: int) -> None:
    """Do one job."""
    await job.run_durably(number, *_connections())


async def send(jobs: int) -> None:
    """Ask for the jobs."""
    await broker.startup()
    for number in range(jobs):
        await generate.kiq(number)
    await broker.shutdown()
