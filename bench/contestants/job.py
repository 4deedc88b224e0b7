"""The job that every contestant does: a roadmap's calls, each with a durable row and a publish.

Three calls one after the other, then 15 concepts, ten at a time, with three calls at once: what
the sample author's roadmap for an unknown goal takes. A call waits CALL_S, as for a model.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CALL_S: Final = 0.05
CONCEPTS: Final = 15
CALLS: Final = 3 + CONCEPTS * 3
GUARD_S: Final = 5.0
_CONCEPTS_AT_A_TIME: Final = 10


class Base(DeclarativeBase):
    """Tables of the bench."""


class Result(Base):
    """What one call of one job gave."""

    __tablename__ = "bench_results"
    job: Mapped[int] = mapped_column(primary_key=True)
    call: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class Done(Base):
    """A job that has ended."""

    __tablename__ = "bench_done"
    job: Mapped[int] = mapped_column(primary_key=True)


def engine(**options: Any) -> AsyncEngine:
    """Return an engine on the bench's database."""
    return create_async_engine(os.environ["BENCH_DATABASE_URL"], **options)


def redis() -> Redis:
    """Return a client of the bench's Redis, with ten connections at most."""
    url = os.environ["BENCH_REDIS_URL"]
    return Redis.from_pool(
        BlockingConnectionPool.from_url(url, max_connections=10, timeout=GUARD_S)
    )


async def run(call: Callable[[int], Awaitable[None]]) -> None:
    """Make all calls of a job, in its order and width."""
    for number in range(3):
        await call(number)
    slots = asyncio.Semaphore(_CONCEPTS_AT_A_TIME)

    async def concept(number: int) -> None:
        async with slots:
            await asyncio.gather(*(call(3 + number * 3 + kind) for kind in range(3)))

    await asyncio.gather(*(concept(number) for number in range(CONCEPTS)))


async def run_durably(job: int, database: AsyncEngine, client: Redis) -> None:
    """Do the job as one does it with SQLAlchemy: a session, a row and a commit per call."""

    async def call(number: int) -> None:
        await asyncio.sleep(CALL_S)
        async with AsyncSession(database) as session:
            session.add(Result(job=job, call=number, text="x" * 300))
            await session.commit()
        await tell(client, job)

    await run(call)
    await note_end(job, database)


async def tell(client: Redis, job: int) -> None:
    """Publish that a call has ended."""
    await asyncio.wait_for(client.publish(f"bench:{job}", b"x" * 300), GUARD_S)


async def note_end(job: int, database: AsyncEngine) -> None:
    """Write down that the job has ended."""
    async with database.begin() as connection:
        await connection.execute(insert(Done).values(job=job))
