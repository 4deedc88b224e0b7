"""Celery as most people bridge it to asyncio; BENCH_BRIDGE says how.

`run`: `asyncio.run` and an engine without a pool in each task. `kept`: one loop and one engine per
process of the prefork pool. `shared`: the threads pool with one loop per process, which is ours,
but with a commit for each call.
"""

from __future__ import annotations

import asyncio
import os
import threading
from functools import cache
from typing import TYPE_CHECKING, Final

from celery import Celery
from sqlalchemy.pool import NullPool

from bench.contestants import job

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from sqlalchemy.ext.asyncio import AsyncEngine

BRIDGE: Final = os.environ.get("BENCH_BRIDGE", "run")
app = Celery("bench", broker=os.environ["BENCH_REDIS_URL"])
app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False)


@app.task(name="bench.job")
def generate(number: int) -> None:
    """Do one job."""
    {"run": _run, "kept": _on_kept_loop, "shared": _on_shared_loop}[BRIDGE](number)


def _run(number: int) -> None:
    async def main() -> None:
        database, client, asked = job.engine(poolclass=NullPool), job.redis(), job.model()
        try:
            await job.run_durably(number, database, client, asked)
        finally:
            await asked.aclose()
            await client.aclose()
            await database.dispose()

    asyncio.run(main())


@cache
def _kept() -> asyncio.Runner:
    return asyncio.Runner()


@cache
def _shared() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


async def _with_kept_connections(number: int) -> None:
    await job.run_durably(number, *_connections())


@cache
def _connections() -> tuple[AsyncEngine, Redis, job.Model]:
    return job.engine(pool_size=10, max_overflow=0), job.redis(), job.model()


def _on_kept_loop(number: int) -> None:
    _kept().run(_with_kept_connections(number))


def _on_shared_loop(number: int) -> None:
    asyncio.run_coroutine_threadsafe(_with_kept_connections(number), _shared()).result()
