"""A cancellation against whatever else happens to a task."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import ConflictError, InvalidRequestError
from tests.factories import ALICE, approve, events, new_task, pair
from tests.integration.workflow.reviewing import _under_review, reviewed
from workflow.ending import Result
from workflow.lease import acquire
from workflow.runs import run_task
from workflow.service import cancel_task

if TYPE_CHECKING:
    import asyncpg

    from llm import Call
    from tests.ledger import LedgerAuthor


async def test_cancel_against_approve(database: asyncpg.Connection) -> None:
    """Two hundred times: of a cancellation and an approval one wins, and the pair is legal."""
    tasks = await _under_review(database, 200)
    chance = random.Random(1)

    async def later(work: Any, turns: int) -> BaseException | None:
        for _ in range(turns):
            await asyncio.sleep(0)
        try:
            await work
        except ConflictError as error:
            return error
        return None

    won = {"cancelled": 0, "approved": 0, "approved, then cancelled": 0}
    for start in range(0, 200, 10):
        group = tasks[start : start + 10]
        done = await asyncio.gather(
            *(
                later(work, chance.randrange(20))
                for task in group
                for work in (cancel_task(task, actor=ALICE), approve(task))
            )
        )
        for task, cancelled, approved in zip(group, done[::2], done[1::2], strict=True):
            assert cancelled is None, "a task that goes on can always be cancelled"
            told = await events(database, task)
            assert told.count("task_cancelled") == 1
            assert told[-1] == "task_cancelled"
            if approved is None:
                won["approved, then cancelled"] += 1
                assert await pair(database, task) == ("cancelled", "resuming")
                assert told.count("review_decided") == 1
            else:
                won["cancelled"] += 1
                assert await pair(database, task) == ("cancelled", "human_review")
                assert told.count("review_decided") == 0
            open_reviews = await database.fetchval(
                "SELECT count(*) FROM reviews WHERE task_id = $1 AND status = 'open'", task
            )
            assert open_reviews == 0
    assert won["cancelled"] > 0
    assert won["approved, then cancelled"] > 0


async def test_cancel_against_the_end(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A cancellation at any moment of a run leaves one terminal event, the last."""
    author.titles = ["Only"]
    chance = random.Random(2)
    seen = set()
    for _ in range(40):
        task = await new_task()
        run = asyncio.create_task(run_task(task, worker="w"))
        for _ in range(chance.randrange(1500)):
            await asyncio.sleep(0)
        try:
            await cancel_task(task, actor=ALICE)
            expected = "cancelled"
        except ConflictError:
            expected = "completed"
        await asyncio.wait_for(run, 5)
        assert (await pair(database, task))[0] == expected
        told = await events(database, task)
        ends = [name for name in told if name in {"task_cancelled", "task_completed"}]
        assert ends == [told[-1]] == [f"task_{expected}"]
        seen.add(expected)
    assert "cancelled" in seen


async def test_cancel_everywhere(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Every non-terminal status can be cancelled, a terminal one cannot."""
    pending = await new_task()
    review = await reviewed(author)
    decided = await reviewed(author)
    await approve(decided)
    running = await new_task()
    await acquire(running, worker="w")
    steps = {
        pending: "queued",
        review: "human_review",
        decided: "resuming",
        running: "intent_analysis",
    }
    for task, step in steps.items():
        await cancel_task(task, actor=ALICE)
        assert await pair(database, task) == ("cancelled", step)
        told = await events(database, task)
        assert told[-2:] == ["task_cancel_requested", "task_cancelled"]
        with pytest.raises(ConflictError, match="cancelled already"):
            await cancel_task(task, actor=ALICE)
        assert await run_task(task, worker="w") is Result.NOTHING_TO_DO
    failed = await new_task()
    author.before = _refuse
    await run_task(failed, worker="w")
    with pytest.raises(ConflictError, match="failed already"):
        await cancel_task(failed, actor=ALICE)


async def _refuse(_call: Call[Any]) -> None:
    raise InvalidRequestError


async def test_running_work_stops_in_time(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Running work is cancelled within two seconds, without any message."""
    working = asyncio.Event()

    async def hang(_call: Call[Any]) -> None:
        working.set()
        await asyncio.Event().wait()

    author.before = hang
    task = await new_task()
    run = asyncio.create_task(run_task(task, worker="w"))
    await working.wait()
    await cancel_task(task, actor=ALICE)
    assert await asyncio.wait_for(run, 2) is Result.CANCELLED
