"""A step may be reviewed when others have already worked with its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from roadmap_worker import Context, Finished, Next, PartFailed, Parts, Workflow
from tests.factories import ALICE
from tests.integration.workflow.own import asked, decide, outputs
from workflow.ending import Result
from workflow.open_reviews import open_review
from workflow.runs import run_task
from workflow.service import remake, retry_task
from workflow.showing import results_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    import asyncpg

pytestmark = pytest.mark.usefixtures("sound")

EDITED = {"title": "edited", "names": ["a", "b"]}


class Asked(BaseModel):
    """What is to be written; `b` fails at the first attempt."""


class Outline(BaseModel):
    """What stands where."""

    title: str
    names: list[str]


def leaflet(*, needs: float | None = None, own_plan: bool = False) -> Workflow[Asked]:
    """Return a workflow that has its outline reviewed beside the chapters made of it."""
    leaflet = Workflow("leaflet", request=Asked)

    @leaflet.step
    async def outline(ctx: Context, request: Asked, feedback: str | None = None) -> Outline:
        return Outline(title=feedback or "plain", names=["a", "b"])

    @leaflet.parts(of=lambda outline: outline.names)
    async def chapter(ctx: Context, part: str, outline: Outline) -> str:
        if part == "b" and ctx.attempt == 1:
            raise PartFailed("hoarse", "No voice.")
        return f"{part} {outline.title}"

    leaflet.review(of=outline)

    @leaflet.step(needs=needs)
    async def bound(ctx: Context, chapter: Parts[str], outline: Outline) -> str:
        return " ".join((outline.title, *chapter))

    if own_plan:

        @leaflet.plan
        def plan(done: Finished) -> Next:
            return done.next

    return leaflet


async def gave(task: UUID) -> Mapping[str, Any]:
    """Return what the steps gave."""
    return (await results_of(task, actor=ALICE)).results


@pytest.mark.parametrize("then", [None, "review"])
async def test_an_edit_is_an_approval(database: asyncpg.Connection, then: str | None) -> None:
    """What is made of an edited result is made anew, and nobody is asked a second time."""
    task = await asked(leaflet(needs=0.5))
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "edit", edits=EDITED, then=then, looks_again=then is not None)
    if then:
        assert (await open_review(task, actor=ALICE)).value == EDITED
        await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    assert (await gave(task))["chapter"] == {"a": "a plain"}, "made of its entry, which is the same"
    assert (await gave(task))["bound"] == "edited a"


@pytest.mark.parametrize("own_plan", [False, True])
async def test_a_retry_keeps_an_edit(database: asyncpg.Connection, own_plan: bool) -> None:  # noqa: FBT001
    """A retry makes the failed parts of the edited result, not of the one before it."""
    task = await asked(leaflet(needs=0.5, own_plan=own_plan))
    await run_task(task, worker="w")
    await decide(task, "edit", edits=EDITED)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert await gave(task) == {
        "outline": EDITED,
        "chapter": {"a": "a plain", "b": "b edited"},
        "bound": "edited a b",
    }
    await remake(task, "chapter", "a", actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert (await gave(task))["chapter"]["a"] == "a edited"


async def test_a_rejected_step_runs_again(database: asyncpg.Connection) -> None:
    """A rejection runs the step again although parts that were made of its result have failed."""
    task = await asked(leaflet())
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "reject", feedback="loud")
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert (await open_review(task, actor=ALICE)).value["title"] == "loud"
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE, "`bound` needs all parts"
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert (await gave(task))["bound"] == "loud a b"
    steps = [step for step, _ in await outputs(database, task)]
    assert steps.count("outline") == 2, "what was made with feedback is not made again"
