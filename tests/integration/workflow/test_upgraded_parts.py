"""A later version of a workflow without the step that made a task's parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from core.errors import ConflictError, NotFoundError
from roadmap_worker import Context, PartFailed, Workflow
from tests.factories import ALICE
from tests.integration.workflow.own import asked
from watching.queries.parts import parts_page
from workflow import registry
from workflow.audit import examine_all
from workflow.authoring import definition
from workflow.ending import Result
from workflow.runs import run_task
from workflow.service import remake, retry_task

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

pytestmark = pytest.mark.usefixtures("sound")


class Names(BaseModel):
    """Who is to be drawn."""

    names: list[str]
    fails: list[str] = []


def drawn(version: int, *, parts: str) -> Workflow[Names]:
    """Return a version whose parts are made by a step of this name."""
    flow = Workflow("drawn", version=version, request=Names)

    async def draw(ctx: Context, request: Names, part: str) -> str:
        if part in request.fails and ctx.attempt == 1:
            raise PartFailed("blunt", "No pencil.")
        return part.upper()

    draw.__name__ = parts
    flow.parts(of=lambda request: request.names)(draw)

    @flow.step
    async def frame(ctx: Context) -> str:
        return "oak"

    if version > 1:

        @flow.upgrade(from_version=1)
        def anew(results: dict[str, Any]) -> dict[str, Any]:
            return {}

    return flow


async def shown(task: UUID) -> list[str]:
    """Return the parts that people see."""
    parts, _ = await parts_page(task, actor=ALICE)
    return [f"{part.step}/{part.key} {part.status}" for part in parts]


@pytest.mark.parametrize("fails", [["a"], ["a", "b"]])
async def test_a_retry_goes_on_without_it(database: asyncpg.Connection, fails: list[str]) -> None:
    """What only the earlier version made is hidden; the task ends by what this one has."""
    task = await asked(drawn(1, parts="draw"), names=["a", "b"], fails=fails)
    assert await run_task(task, worker="w") in {Result.PARTIAL_FAILURE, Result.FAILED}
    registry.register(definition(drawn(2, parts="print")))
    assert (await examine_all()).kept == [], "its step is one of the version that it ended with"
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert await shown(task) == ["print/a completed", "print/b completed"]
    with pytest.raises(NotFoundError):
        await remake(task, "draw", "b", actor=ALICE)


async def test_nobody_can_make_them_anew(database: asyncpg.Connection) -> None:
    """Parts of a step that is no more stay to be read; to make one anew is refused."""
    task = await asked(drawn(1, parts="draw"), names=["a"])
    assert await run_task(task, worker="w") is Result.COMPLETED
    registry.register(definition(drawn(2, parts="print")))
    with pytest.raises(ConflictError, match="Version 2 of 'drawn' has no step 'draw'"):
        await remake(task, "draw", "a", actor=ALICE)
    assert await shown(task) == ["draw/a completed"]
