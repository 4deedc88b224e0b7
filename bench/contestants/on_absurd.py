"""Absurd: durable steps kept by stored procedures; each call is a step, whose result it keeps."""

from __future__ import annotations

import asyncio
import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from absurd_sdk import AsyncAbsurd
from absurdctl import BUNDLED_SCHEMA_SQL

from bench.contestants import job

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from sqlalchemy.ext.asyncio import AsyncEngine

AT_A_TIME: Final = 64
_URL: Final = os.environ["BENCH_DATABASE_URL"].replace("+asyncpg", "", 1)
app = AsyncAbsurd(_URL, queue_name="bench")


@cache
def _connections() -> tuple[AsyncEngine, Redis, job.Model]:
    return job.engine(pool_size=10, max_overflow=0), job.redis(), job.model()


@app.register_task("bench.job")
async def generate(asked_for: dict[str, Any], context: Any) -> None:
    """Do one job."""
    number = asked_for["number"]
    database, client, asked = _connections()

    async def call(nth: int) -> None:
        async def made() -> str:
            return await asked.ask(nth)

        await context.step(f"call {nth}", made)
        await job.tell(client, number)

    await job.run(call)
    await job.note_end(number, database)


async def send(jobs: int) -> None:
    """Ask for the jobs."""
    asking = AsyncAbsurd(_URL, queue_name="bench")
    for number in range(jobs):
        await asking.spawn("bench.job", {"number": number}, queue="bench")
    await asking.close()


async def main() -> None:
    """Make its tables where they are missing, and work."""
    connection = await asyncpg.connect(_URL)
    if not await connection.fetchval("SELECT to_regnamespace('absurd') IS NOT NULL"):
        await connection.execute(BUNDLED_SCHEMA_SQL)
    await connection.close()
    await app.create_queue()
    print("ready", flush=True)
    await app.start_worker(concurrency=AT_A_TIME, poll_interval=0.05)


if __name__ == "__main__":
    asyncio.run(main())
