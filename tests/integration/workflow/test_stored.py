"""A task whose stored parts cannot be read fails alone, with a code that says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories import approve, column, new_task, pair
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
