"""A later version of a workflow without the step that made a task's parts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from core.errors import ConflictError, NotFoundError, UnreadableRecordError
from roadmap_worker import Context, PartFailed, Retryable, Workflow
from tests.factories import ALICE, until
from tests.integration.workflow.own import asked, decide
from watching.queries.parts import parts_page
from workflow import registry
from workflow.audit import examine_all
from workflow.authoring import definition
from workflow.drain import drain
from workflow.ending import Result
from workflow.open_reviews import open_review
from workflow.runs import run_task
from workflow.service import remake, retry_task
from workflow.showing import results_of

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

pytestmark = pytest.mark.usefixtures("sound")


class Names(BaseModel):
    """Who is to be drawn."""

    names: list[str]
    fails: list[str] = []


def drawn(version: int, *, parts: str | None) -> Workflow[Names]:
    """Return a version whose parts are made by a step of this name; None makes none."""
    flow = Workflow("drawn", version=version, request=Names)

    async def draw(ctx: Context, request: Names, part: str) -> str:
        if part in request.fails and ctx.attempt == 1:
            raise PartFailed("blunt", "No pencil.")
        return part.upper()

    if parts is not None:
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


async def test_a_version_without_parts_counts_none(database: asyncpg.Connection) -> None:
    """Parts that nobody makes any more are not counted, and did not fail."""
    task = await asked(drawn(1, parts="draw"), names=["a", "b"], fails=["a"])
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    registry.register(definition(drawn(2, parts=None)))
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    counts = await database.fetch("SELECT done, total, failures FROM roadmap_tasks")
    assert [tuple(row) for row in counts] == [(0, 0, 0)]
    assert await shown(task) == []


async def test_nobody_can_make_them_anew(database: asyncpg.Connection) -> None:
    """Parts of a step that is no more stay to be read; to make one anew is refused."""
    task = await asked(drawn(1, parts="draw"), names=["a"])
    assert await run_task(task, worker="w") is Result.COMPLETED
    registry.register(definition(drawn(2, parts="print")))
    with pytest.raises(ConflictError, match="Version 2 of 'drawn' has no step 'draw'"):
        await remake(task, "draw", "a", actor=ALICE)
    assert await shown(task) == ["draw/a completed"]


def told(version: int) -> Workflow[Names]:
    """Return a version that tells what a human has let pass, before and after."""
    flow = Workflow("told", version=version, request=Names)

    @flow.step
    async def plot(ctx: Context, request: Names) -> list[str]:
        return request.names

    flow.review(of=plot)

    @flow.step
    async def tale(ctx: Context, plot: list[str], feedback: str | None = None) -> str:
        return f"{plot[0]}: {feedback}"

    flow.review(of=tale)
    if version > 1:

        @flow.upgrade(from_version=1)
        def anew(results: dict[str, Any]) -> dict[str, Any]:
            return {"plot": results["plot"]}

    return flow


@pytest.mark.parametrize("decision", ["reject", "edit"])
async def test_a_decision_is_about_what_was_shown(
    database: asyncpg.Connection, decision: str
) -> None:
    """An upgrade that has the reviewed step run again does not turn the answer to another one."""
    task = await asked(told(1), names=["wolf"])
    await run_task(task, worker="w")
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    registry.register(definition(told(2)))
    assert (await open_review(task, actor=ALICE)).of == "tale"
    how = {"feedback": "longer"} if decision == "reject" else {"edits": "mine"}
    await decide(task, decision, **how)
    result = await run_task(task, worker="w")
    assert result is (Result.WAITING_FOR_REVIEW if decision == "reject" else Result.COMPLETED)
    results = (await results_of(task, actor=ALICE)).results
    assert results == {
        "plot": ["wolf"],
        "tale": "wolf: longer" if decision == "reject" else "mine",
    }


def bound(version: int) -> Workflow[Names]:
    """Return a version whose reviewed step has another name or shape than before."""
    flow = Workflow("bound", version=version, request=Names)
    shape = list[str] if version == 1 else dict[str, str]

    async def cover(ctx: Context, request: Names) -> Any:
        return request.names if version == 1 else {"title": "new"}

    cover.__name__ = "jacket" if version == RENAMED else "cover"
    cover.__annotations__["return"] = shape
    flow.review(of=flow.step(cover))
    if version > 1:

        @flow.upgrade(from_version=1)
        def titled(results: dict[str, Any]) -> dict[str, Any]:
            return {cover.__name__: {"title": results["cover"][0]}}

    return flow


RESHAPED, RENAMED = 2, 3


@pytest.mark.parametrize(("version", "of"), [(RESHAPED, "cover"), (RENAMED, "jacket")])
async def test_a_review_shows_what_is_decided_about(
    database: asyncpg.Connection, version: int, of: str
) -> None:
    """A review that was opened by an earlier version is shown as this one takes it over."""
    task = await asked(bound(1), names=["wolf"])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    registry.register(definition(bound(version)))
    assert (await results_of(task, actor=ALICE)).results == {"cover": ["wolf"]}
    review = await open_review(task, actor=ALICE)
    assert (review.of, review.value) == (of, {"title": "wolf"})
    assert review.schema_ is not None
    assert review.schema_["type"] == "object"
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert (await results_of(task, actor=ALICE)).results == {of: {"title": "wolf"}}


def sent(version: int) -> Workflow[Names]:
    """Return a version that goes on after a review; later ones call the reviewed step otherwise."""
    flow = Workflow("sent", version=version, request=Names)

    async def letter(ctx: Context, request: Names) -> list[str]:
        return request.names

    letter.__name__ = "letter" if version == 1 else "note"
    flow.review(of=flow.step(letter))

    @flow.step
    async def send(ctx: Context) -> str:
        if version == 1:
            raise PartFailed("no_post", "There is no post today.")
        return "sent"

    if version > 1:

        @flow.upgrade(from_version=1)
        def renamed(results: dict[str, Any]) -> dict[str, Any]:
            note = results.pop("letter")
            return {"note": note if version == RENAMED else [*note, "PS"]}

    return flow


@pytest.mark.parametrize("decision", ["approve", "edit"])
async def test_what_was_approved_may_be_renamed(
    database: asyncpg.Connection, decision: str
) -> None:
    """The very value that a human has let pass passes under another name, too."""
    task = await asked(sent(1), names=["wolf"])
    await run_task(task, worker="w")
    await decide(task, "reject", feedback="again")
    await run_task(task, worker="w")
    await decide(task, decision, **({} if decision == "approve" else {"edits": ["fox"]}))
    assert await run_task(task, worker="w") is Result.FAILED
    registry.register(definition(sent(RENAMED)))
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    results = (await results_of(task, actor=ALICE)).results
    assert results == {"note": ["wolf" if decision == "approve" else "fox"], "send": "sent"}


async def test_what_an_upgrade_changed_under_another_name_is_asked_about(
    database: asyncpg.Connection,
) -> None:
    """Nobody has seen it."""
    task = await asked(sent(1), names=["wolf"])
    await run_task(task, worker="w")
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.FAILED
    registry.register(definition(sent(RENAMED + 1)))
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert (await open_review(task, actor=ALICE)).value == ["wolf", "PS"]


def cast(version: int) -> Workflow[Names]:
    """Return a version whose second one asks again, before any part, what the first has asked."""
    flow = Workflow("cast", version=version, request=Names)

    @flow.step
    async def plot(ctx: Context, request: Names) -> list[str]:
        return request.names

    flow.review(of=plot)

    @flow.parts(of=plot)
    async def role(ctx: Context, part: str) -> str:
        if version == 1:
            raise Retryable("Nobody is here yet.", after_s=3000)
        return part

    if version > 1:

        @flow.upgrade(from_version=1)
        def anew(results: dict[str, Any]) -> dict[str, Any]:
            return {}

    return flow


async def test_parts_under_way_wait_when_another_step_comes_first(
    database: asyncpg.Connection,
) -> None:
    """Nobody makes them while a human is asked again."""
    task = await asked(cast(1), names=["wolf"])
    await run_task(task, worker="w")
    await decide(task, "approve")
    run = asyncio.create_task(run_task(task, worker="w"))
    await until(lambda: _is_tried_again(database))
    drain().begin()
    assert await run is Result.RELEASED
    drain()._begun.clear()
    assert await shown(task) == ["role/wolf running"]
    registry.register(definition(cast(2)))
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert await shown(task) == ["role/wolf pending"]
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert await shown(task) == ["role/wolf completed"]


async def _is_tried_again(database: asyncpg.Connection) -> bool:
    return bool(await database.fetchval("SELECT 1 FROM task_events WHERE type = 'step_retrying'"))


class Strict(BaseModel, extra="forbid"):
    """What the first version of a workflow is asked for."""

    names: list[str]


class Toned(Strict):
    """What the second one is asked for."""

    tone: str = "dry"


async def test_who_knows_but_the_version_before_says_so(database: asyncpg.Connection) -> None:
    """As an API that is older than a task's worker: nothing is to be mended."""

    def spoken(version: int) -> Workflow[Any]:
        flow = Workflow("spoken", version=version, request=Strict if version == 1 else Toned)

        @flow.step
        async def speech(ctx: Context) -> str:
            return "Ladies and gentlemen"

        flow.review(of=speech)
        return flow

    task = await asked(spoken(2), names=["wolf"])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    registry.register(definition(spoken(1)))
    with pytest.raises(UnreadableRecordError, match="It was begun with version 2; ask where"):
        await open_review(task, actor=ALICE)
    registry.register(definition(spoken(2)))
    assert (await open_review(task, actor=ALICE)).value == "Ladies and gentlemen"


def grown(version: int) -> Workflow[Names]:
    """Return a version that asks about a step, of which later ones call the second otherwise."""
    flow = Workflow("grown", version=version, request=Names)

    @flow.step
    async def seed(ctx: Context, request: Names) -> list[str]:
        return request.names

    flow.review(of=seed)

    async def leaf(ctx: Context, feedback: str | None = None) -> str:
        return f"green {feedback}"

    leaf.__name__ = "leaf" if version == 1 else "bud"
    flow.review(of=flow.step(leaf))
    return flow


@pytest.mark.parametrize(("begun", "here"), [(2, 1), (1, 2)], ids=["later", "earlier"])
async def test_nobody_decides_about_a_step_of_a_version_that_is_not_known(
    database: asyncpg.Connection, begun: int, here: int
) -> None:
    """As at an API that is not of its workers' version: the answer would be about another step."""
    task = await asked(grown(begun), names=["oak"])
    await run_task(task, worker="w")
    registry.register(definition(grown(here)))
    assert (await open_review(task, actor=ALICE)).of == "seed", "both know it"
    await decide(task, "approve")
    registry.register(definition(grown(begun)))
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    registry.register(definition(grown(here)))
    said = f"a step of version {begun} of 'grown', which is not known here: this is version {here}"
    with pytest.raises(ConflictError, match=said):
        await open_review(task, actor=ALICE)
    for decision in ("approve", "reject"):
        with pytest.raises(ConflictError, match=said):
            await decide(task, decision, **({"feedback": "x"} if decision == "reject" else {}))
    registry.register(definition(grown(begun)))
    await decide(task, "reject", feedback="more")
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED
    results = (await results_of(task, actor=ALICE)).results
    assert results["leaf" if begun == 1 else "bud"] == "green more"
