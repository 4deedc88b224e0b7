"""Procrastinate: a task queue in PostgreSQL, whose tasks are coroutines on the worker's loop."""

from __future__ import annotations

import asyncio
import os
from functools import cache
from typing import TYPE_CHECKING, Final

import procrastinate

from bench.contestants import job

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from sqlalchemy.ext.asyncio import AsyncEngine

AT_A_TIME: Final = 64
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(
        conninfo=os.environ["BENCH_DATABASE_URL"].replace("+asyncpg", "", 1)
    )
)


@cache
def _connections() -> tuple[AsyncEngine, Redis, job.Model]:
    return job.engine(pool_size=10, max_overflow=0), job.redis(), job.model()


@app.task(name="bench.job")
async def generate(number: int) -> None:
    """Do one job."""
    await job.run_durably(number, *_connections())


async def send(jobs: int) -> None:
    """Ask for the jobs."""
    async with app.open_async():
        await generate.batch_defer_async(*({"number": number} for number in range(jobs)))


async def main() -> None:
    """Make its tables where they are missing, and work."""
    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        print("ready", flush=True)
        await app.run_worker_async(concurrency=AT_A_TIME, delete_jobs="successful")


if __name__ == "__main__":
    asyncio.run(main())
