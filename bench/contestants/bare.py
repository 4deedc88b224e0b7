"""The limit: no queue and no framework, rows in batches by raw asyncpg, publishes in pipelines.

What the machine can do when nothing is promised but that a row is durable before the next call.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

import aiohttp
import asyncpg
import orjson

from bench.answers import kind_of_call
from bench.contestants import job

if TYPE_CHECKING:
    from redis.asyncio import Redis

JOBS: Final = "bench:bare"
AT_A_TIME: Final = 64
_INSERT: Final = (
    "INSERT INTO bench_results (job, call, text)"
    " SELECT * FROM unnest($1::int[], $2::int[], $3::text[])"
)


class Batches:
    """Commits all that is pending, then the next."""

    def __init__(self, database: asyncpg.Connection, client: Redis) -> None:
        """Begin with nothing pending."""
        self._database = database
        self._client = client
        self._pending: list[tuple[int, int, str, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, number: int, nth: int, text: str) -> None:
        """Return once the row is durable."""
        done = asyncio.get_running_loop().create_future()
        self._pending.append((number, nth, text, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            await self._database.execute(
                _INSERT, *([row[column] for row in batch] for column in range(3))
            )
            pipeline = self._client.pipeline(transaction=False)
            for number, *_rest in batch:
                pipeline.publish(f"bench:{number}", b"x" * 300)
            for *_row, done in batch:
                done.set_result(None)
            await pipeline.execute()


class Lean:
    """The model's server, asked by aiohttp and orjson."""

    def __init__(self) -> None:
        """Open no connection yet."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._url = os.environ["BENCH_MODEL_URL"] + "/chat/completions"

    async def ask(self, number: int) -> str:
        """Ask for one answer."""
        kind = kind_of_call(number)
        shape = {"type": "json_schema", "json_schema": {"name": kind, "schema": {}}}
        body = {"model": "bench", "messages": job.PROMPT, "response_format": shape}
        async with self._session.post(self._url, data=orjson.dumps(body)) as answer:
            told = orjson.loads(await answer.read())
        text: str = told["choices"][0]["message"]["content"]
        return text

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()


async def main() -> None:
    """Run as many jobs as come, again and again."""
    database = await asyncpg.connect(os.environ["BENCH_DATABASE_URL"].replace("+asyncpg", "", 1))
    model = Lean() if os.environ.get("BENCH_CALLS") == "wire" else job.Sleeping()
    slots = asyncio.Semaphore(AT_A_TIME)
    async with job.redis() as client, job.redis() as asked:
        batches = Batches(database, client)

        async def one(number: int) -> None:
            async def call(nth: int) -> None:
                await batches.write(number, nth, await model.ask(nth))

            async with slots:
                await job.run(call)
                await batches.write(number, -1, "")

        print("ready", flush=True)
        while True:
            asked_for = await asked.blpop([JOBS], timeout=1)
            if asked_for:
                await asyncio.gather(*(one(number) for number in range(int(asked_for[1]))))


if __name__ == "__main__":
    asyncio.run(main())
