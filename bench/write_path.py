"""How a content's fact is committed: alone, as the ORM does it, or in groups."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.measuring import median, table
from db.facts import EventDraft, Fact
from db.ledger import write_fact
from db.models import TaskEvent
from db.raw import raw_of
from db.recorder import record
from db.session import AsyncSessionLocal
from roadmaps.requests import TaskRequest
from workflow.service import create_task

FACTS: Final = 1000


async def measure() -> None:
    """Print what a fact costs in each way."""
    tasks = [await create_task(TaskRequest(goal="bench"), user_id="bench") for _ in range(50)]
    numbers = iter(range(1_000_000, 100_000_000))

    def fact(n: int) -> Fact:
        return Fact(
            task_id=tasks[n % len(tasks)],
            events=(EventDraft(type="task_queued", message="bench"),),
        )

    async def grouped() -> None:
        await asyncio.gather(*(record(fact(n)) for n in range(FACTS)))

    slots = asyncio.Semaphore(10)

    async def alone() -> None:
        async def one(n: int) -> None:
            async with slots, AsyncSessionLocal() as session:
                await write_fact(await raw_of(session), fact(n))
                await session.commit()

        await asyncio.gather(*(one(n) for n in range(FACTS)))

    async def orm() -> None:
        async def one(n: int) -> None:
            async with slots, AsyncSessionLocal() as session:
                session.add(
                    TaskEvent(
                        task_id=tasks[n % len(tasks)],
                        seq=next(numbers),
                        type="bench",
                        payload={},
                    )
                )
                await session.commit()

        await asyncio.gather(*(one(n) for n in range(FACTS)))

    rows = {
        "group commit (ours: fence, event, progress)": await median(grouped),
        "the same fact, one transaction each": await median(alone),
        "a bare ORM insert and commit each": await median(orm),
    }
    table("Write path, 1,000 facts of 50 tasks at once", rows, per=FACTS, unit="facts")
