"""The job that every contestant does: a roadmap's calls, each with a durable row and a publish.

Three calls one after the other, then 15 concepts, ten at a time, with three calls at once. A call
waits CALL_S (`BENCH_CALLS=sleep`), or asks the model's server as one does (`wire`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import TYPE_CHECKING, Any, Final, Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bench.answers import CONCEPTS, answer, kind_of_call
from bench.contestants.timing import CALL_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WIRE: Final = os.environ.get("BENCH_CALLS") == "wire"
if TYPE_CHECKING or WIRE:
    import openai  # at the top, as one does: a pool's children share it

    for _noisy in ("httpx", "httpx2", "openai"):  # a line in the log for each call is no fair cost
        logging.getLogger(_noisy).setLevel(logging.WARNING)

CALLS: Final = 3 + CONCEPTS * 3
GUARD_S: Final = 60.0
"""So long that no contestant gives up a publish, and its job, since it is busy itself."""
PROMPT: Final = [
    {"role": "system", "content": "You teach. Rules that always hold:\n" + "- Be exact.\n" * 100},
    {"role": "user", "content": "Write this for one concept.\n" + "C1 Knots (2.0 h)\n" * 60},
]
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


class Model(Protocol):
    """Whoever is asked."""

    async def ask(self, number: int) -> str:
        """Make one call of a job, and return the text that is kept."""
        ...

    async def aclose(self) -> None:
        """Close what is open."""
        ...


class Sleeping:
    """A model that is not there: what is left is the contestant's own cost."""

    async def ask(self, number: int) -> str:
        """Wait as long as a model would."""
        await asyncio.sleep(CALL_S)
        return answer(kind_of_call(number))

    async def aclose(self) -> None:
        """Close nothing."""


class Asked:
    """The model's server, asked with the client that most people take."""

    def __init__(self) -> None:
        """Take the address from the environment."""
        self._client = openai.AsyncOpenAI(
            base_url=os.environ["BENCH_MODEL_URL"], api_key="sk-bench"
        )

    async def ask(self, number: int) -> str:
        """Ask for one answer and see that it is JSON."""
        shape = {"name": kind_of_call(number), "schema": {"type": "object"}}
        wanted: Any = {"type": "json_schema", "json_schema": shape}
        messages: Any = PROMPT
        completion = await self._client.chat.completions.create(
            model="bench",
            messages=messages,
            response_format=wanted,
        )
        text = completion.choices[0].message.content or ""
        json.loads(text)
        return text

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()


def model() -> Model:
    """Return whom BENCH_CALLS names."""
    return Asked() if WIRE else Sleeping()


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


async def run_durably(job: int, database: AsyncEngine, client: Redis, asked: Model) -> None:
    """Do the job as one does it with SQLAlchemy: a session, a row and a commit per call."""

    async def call(number: int) -> None:
        text = await asked.ask(number)
        async with AsyncSession(database) as session:
            session.add(Result(job=job, call=number, text=text))
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
