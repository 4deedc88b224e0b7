"""Who competes: each contestant as a program, and how it is asked for jobs."""

from __future__ import annotations

import os
import sys
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from celery import Celery

from bench.contestants.job import redis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

AT_A_TIME: Final = "64"
PROCESSES: Final = "8"
_CELERY: Final = (sys.executable, "-m", "celery", "-A")
_MODULE: Final = (sys.executable, "-m")


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A program that does jobs.

    Attributes:
        name: What the table says.
        command: Starts it.
        send: Asks it for so many jobs.
        modes: Whether its model is not there (`sleep`), a server (`wire`), or our `sample` author.
        ready: Its log has these words once it takes jobs.
        env: Its further environment.
        needs: A package without which it does not compete.
        share: It is slow, and gets only one job of so many.
        durable: What a call gave is not asked for again after a crash.
    """

    name: str
    command: tuple[str, ...]
    send: Callable[[int], Awaitable[None]]
    modes: tuple[str, ...] = ("sleep", "wire")
    ready: str = "ready"
    env: Mapping[str, str] = field(default_factory=dict)
    needs: str = "celery"
    share: int = 1
    durable: bool = False


async def _send_tasks(jobs: int) -> None:
    with Celery(broker=os.environ["BENCH_REDIS_URL"], set_as_current=False) as app:
        for number in range(jobs):
            task_id = str(uuid.uuid4())
            request = {"goal": f"Learn to knot carpets {number}", "review": False}
            app.send_task(
                "roadmap.generate",
                queue="roadmap",
                task_id=task_id,
                kwargs={"task_id": task_id, "user_id": f"user {number}", "request": request},
            )


async def _send_jobs(jobs: int) -> None:
    with Celery(broker=os.environ["BENCH_REDIS_URL"], set_as_current=False) as app:
        for number in range(jobs):
            app.send_task("bench.job", args=[number])


def _send_number(name: str) -> Callable[[int], Awaitable[None]]:
    async def send(jobs: int) -> None:
        async with redis() as client:
            pushed: Any = client.rpush(name, jobs)
            await pushed

    return send


async def _send_to_taskiq(jobs: int) -> None:
    from bench.contestants.on_taskiq import send

    await send(jobs)


async def _send_to_procrastinate(jobs: int) -> None:
    from bench.contestants.on_procrastinate import send

    await send(jobs)


async def _send_to_absurd(jobs: int) -> None:
    from bench.contestants.on_absurd import send

    await send(jobs)


def _plain_celery(name: str, bridge: str, *options: str, **more: Any) -> Contestant:
    return Contestant(
        name=name,
        command=(*_CELERY, "bench.contestants.plain_celery", "worker", "-l", "INFO", *options),
        env={"BENCH_BRIDGE": bridge},
        send=_send_jobs,
        **more,
    )


OURS: Final = Contestant(
    name="roadmap-worker",
    command=(*_CELERY, "bench.contestants.ours", "worker", "-c", AT_A_TIME),
    ready="worker_ready",
    modes=("sleep", "sample", "wire"),
    send=_send_tasks,
    durable=True,
)
LIMIT: Final = Contestant(
    name="bare asyncio, raw batches (the limit)",
    command=(*_MODULE, "bench.contestants.bare"),
    send=_send_number("bench:bare"),
)
CONTESTANTS: Final = (
    OURS,
    _plain_celery(
        "Celery threads, one loop, ORM commits", "shared", "-P", "threads", "-c", AT_A_TIME
    ),
    _plain_celery(
        "Celery prefork, kept loops, ORM commits", "kept", "-P", "prefork", "-c", PROCESSES
    ),
    _plain_celery(
        *("Celery prefork, asyncio.run, NullPool", "run", "-P", "prefork", "-c", PROCESSES),
        share=6,
        modes=("sleep",),
    ),
    Contestant(
        name="taskiq, ORM commits",
        command=(
            *(*_MODULE, "taskiq", "worker", "bench.contestants.on_taskiq:broker"),
            *("--workers", "1", "--max-async-tasks", AT_A_TIME),
        ),
        ready="Listening started",
        needs="taskiq_redis",
        send=_send_to_taskiq,
    ),
    Contestant(
        name="Procrastinate, ORM commits",
        command=(*_MODULE, "bench.contestants.on_procrastinate"),
        needs="procrastinate",
        send=_send_to_procrastinate,
    ),
    Contestant(
        name="Absurd, durable steps",
        command=(*_MODULE, "bench.contestants.on_absurd"),
        needs="absurdctl",
        send=_send_to_absurd,
        share=4,
        durable=True,
    ),
    Contestant(
        name="DBOS, durable steps",
        command=(*_MODULE, "bench.contestants.on_dbos"),
        needs="dbos",
        send=_send_number("bench:dbos"),
        share=4,
        durable=True,
    ),
    LIMIT,
)
