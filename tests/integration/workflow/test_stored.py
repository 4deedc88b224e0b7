"""A task whose stored parts cannot be read fails alone, with a code that says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from tests.factories import approve, column, new_task, pair
from tests.integration.workflow.own import decide
from tests.own import asked
from workflow import Context, Workflow
from workflow.ending import Result
from workflow.runs import run_task

if TYPE_CHECKING:
    import asyncpg

BROKEN: list[Any] = [[], {}, "text", 7, [[]], {"valid": 1}, {"stages": [1]}]


@pytest.mark.parametrize("place", ["checkpoints.output", "outlines.outline"])
async def test_what_cannot_be_read_fails_its_task(database: asyncpg.Connection, place: str) -> None:
    """Whatever an earlier step left, the run ends, and the task is not rung for again."""
    table, name = place.split(".")
    codes = set()
    for value in BROKEN:
        task = await new_task(review=True)
        assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
        await approve(task)
        await database.execute(
            f"UPDATE {table} SET {name} = $1",  # noqa: S608 - ours
            json.dumps(value),
        )
        assert await run_task(task, worker="w") in {Result.FAILED, Result.NOTHING_TO_DO}
        assert (await pair(database, task))[0] == "failed"
        codes.add(json.loads(await column(database, task, "error"))["code"])
        healthy = await new_task()
        assert await run_task(healthy, worker="w") is Result.COMPLETED
    assert codes == {"unreadable_record"}


class Anything(BaseModel):
    """What may hold any value."""

    value: Any


@pytest.mark.parametrize("number", [1e300, -1e20, 2**64 - 1, -(2**63), 5e-324, 0.1, 1.0, [1e20]])
async def test_a_number_is_read_as_it_was_given(database: asyncpg.Connection, number: Any) -> None:
    """However large: what PostgreSQL writes out in full is a float again, not a whole number."""
    flow = Workflow("numbers", version=1, request=Anything, title="Numbers")
    seen: list[Any] = []

    @flow.step
    async def first(ctx: Context, request: Anything) -> Anything:
        return request

    flow.review(of=first)

    @flow.step
    async def second(ctx: Context, first: Anything) -> Anything:
        seen.append(first.value)
        return first

    task = await asked(flow, value=number)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert repr(seen) == repr([number])
