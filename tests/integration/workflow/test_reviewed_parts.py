"""A step that makes parts is reviewed as a whole: rejected, edited part by part, approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from core.errors import InvalidRequestError, StaleVersionError
from core.states import Decision
from roadmap_worker import Context, PartFailed, Parts, Workflow
from tests.factories import ALICE, pair
from tests.integration.workflow.own import Answered, asked, decide
from workflow.ending import Result
from workflow.open_reviews import open_review
from workflow.runs import run_task
from workflow.service import decide_review, remake, retry_task
from workflow.showing import results_of

if TYPE_CHECKING:
    import asyncpg


class Songs(BaseModel):
    """What is to be sung."""

    names: list[str]
    fails: list[str] = []


class Song(BaseModel):
    """A song."""

    text: str


def choir(made: list[str], *, kinds: tuple[str, ...] = ()) -> Workflow[Songs]:
    """Return a workflow whose parts a human looks at before they are counted."""
    choir = Workflow("choir", request=Songs)

    def sung(request: Songs, ctx: Context, part: str, feedback: str | None) -> Song:
        made.append(f"{part} {feedback}")
        if part in request.fails and ctx.attempt == 1:
            raise PartFailed("hoarse", "No voice.")
        return Song(text=f"{part}, {feedback}")

    if kinds:

        @choir.parts(of=lambda request: request.names, kinds=kinds)
        async def song(
            ctx: Context, request: Songs, part: str, kind: str, feedback: str | None = None
        ) -> Song:
            return sung(request, ctx, part, feedback)

    else:

        @choir.parts(of=lambda request: request.names)
        async def song(  # type: ignore[misc]  # one of the two
            ctx: Context, request: Songs, part: str, feedback: str | None = None
        ) -> Song:
            return sung(request, ctx, part, feedback)

    choir.review(of="song")

    @choir.step(needs=0.5)
    async def count(ctx: Context, song: Parts[Any]) -> list[str]:
        return sorted(song)

    return choir


async def test_rejected_then_edited(database: asyncpg.Connection) -> None:
    """A rejection makes all anew with its feedback; an edit replaces what it names, checked."""
    made: list[str] = []
    task = await asked(choir(made), names=["b", "a"])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    shown = await open_review(task, actor=ALICE)
    assert (shown.of, list(shown.value)) == ("song", ["b", "a"])
    assert shown.value["a"] == {"text": "a, None"}
    assert shown.schema_ is not None
    assert shown.schema_["properties"]["a"] == {"title": "a", "$ref": "#/$defs/__part__"}
    await decide(task, "reject", feedback="louder")
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert sorted(made) == ["a None", "a louder", "b None", "b louder"]
    for value, field in (
        ({"a": {}}, "value.a.text"),
        ({"c": {"text": ""}}, "value.c"),
        ([], "value"),
    ):
        with pytest.raises(InvalidRequestError) as raised:
            await decide(task, "edit", edits=value)
        assert raised.value.details["fields"][0][0] == field
    await decide(task, "edit", edits={"a": {"text": "mine"}})
    assert await run_task(task, worker="w") is Result.COMPLETED
    results = (await results_of(task, actor=ALICE)).results
    assert results["song"] == {"a": {"text": "mine"}, "b": {"text": "b, louder"}}
    assert results["count"] == ["a", "b"]
    assert len(made) == 4
    await remake(task, "song", "b", actor=ALICE)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert len(made) == 5, "what was rejected before is not made anew"
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED


async def test_kinds_are_edited_by_kind(database: asyncpg.Connection) -> None:
    """Of a step with kinds each key holds its kinds, and an edit names them."""
    task = await asked(choir([], kinds=("high", "low")), names=["a"])
    await run_task(task, worker="w")
    shown = await open_review(task, actor=ALICE)
    assert shown.value == {"a": {"high": {"text": "a, None"}, "low": {"text": "a, None"}}}
    with pytest.raises(InvalidRequestError, match=r"value\.a must be an object"):
        await decide(task, "edit", edits={"a": 1})
    await decide(task, "edit", edits={"a": {"low": {"text": "mine"}}})
    await run_task(task, worker="w")
    song = (await results_of(task, actor=ALICE)).results["song"]
    assert song == {"a": {"high": {"text": "a, None"}, "low": {"text": "mine"}}}


async def test_failed_parts(database: asyncpg.Connection) -> None:
    """Nobody is asked about nothing; what is there is asked about without the rest."""
    task = await asked(choir([]), names=["a"], fails=["a"])
    assert await run_task(task, worker="w") is Result.FAILED
    task = await asked(choir([]), names=["a", "b"], fails=["a"])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert list((await open_review(task, actor=ALICE)).value) == ["b"]
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert list((await open_review(task, actor=ALICE)).value) == ["a", "b"]
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert await pair(database, task) == ("completed", "completed")


async def test_each_question_has_a_version_of_its_own(database: asyncpg.Connection) -> None:
    """Who looked at parts before they were made anew does not decide about those of now."""
    task = await asked(choir([]), names=["a", "b"])
    await run_task(task, worker="w")
    seen = (await open_review(task, actor=ALICE)).version
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED
    await remake(task, "song", "b", actor=ALICE)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    with pytest.raises(StaleVersionError):
        await decide_review(task, Answered(Decision.APPROVE), actor=ALICE, versions=[seen])
