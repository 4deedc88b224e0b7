"""An author's workflow, run by the engine: typed results, reviews, parts, versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from core.errors import InvalidRequestError
from roadmap_worker import END, Context, Finished, Next, Workflow
from tests import book
from tests.factories import ALICE, column, events, pair
from tests.integration.workflow.own import asked, decide, outputs
from workflow import registry
from workflow.audit import examine_all
from workflow.authoring import definition
from workflow.ending import Result
from workflow.runs import run_task
from workflow.service import retry_task

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.usefixtures("sound")


async def test_the_audit_reads_results(database: asyncpg.Connection) -> None:
    """A result and a part that are of another type than their functions' are found, and named."""
    task = await asked(book.book, topic="Wind", fails=[])
    await run_task(task, worker="w")
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED
    outline = json.dumps({"value": {"title": 1, "chapters": []}})
    for statement, wrong in (
        ("UPDATE checkpoints SET output = $2 WHERE task_id = $1 AND step = 'outline'", outline),
        ("UPDATE parts SET body = $2 WHERE task_id = $1 AND key = 'chapter-1'", '{"text": "x"}'),
    ):
        await database.execute(statement, task, wrong)
    found = (await examine_all()).kept
    assert sorted((each.kind, each.key) for each in found) == [
        ("checkpoint_shape", task),
        ("content_shape", task),
    ], found
    await database.execute("UPDATE roadmap_tasks SET workflow_version = 0")
    assert (await examine_all()).kept == [], "shapes of a version that nobody here knows"


async def test_a_book(database: asyncpg.Connection) -> None:
    """A rejection runs the step again with its feedback, an edit replaces it, parts fail alone."""
    task = await asked(book.book, topic="Wind", fails=["sails"])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "reject", feedback="Sails")
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    history = await outputs(database, task)
    assert [step for step, _ in history] == ["outline", "human_review", "outline"]
    value = history[-1][1]["value"]
    assert [each["title"] for each in value["chapters"]] == ["Chapter 1", "Chapter 2", "Sails"]
    with pytest.raises(InvalidRequestError, match=r"value\.chapters\.0\.title"):
        await decide(task, "edit", edits={"title": "Wind", "chapters": [{"slug": "a"}]})
    value["chapters"][0]["title"] = "Gusts"
    await decide(task, "edit", edits=value)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    assert await pair(database, task) == ("partial_failure", "chapter")
    first = dict(await outputs(database, task))["index"]["value"]
    assert first["missing"] == ["sails"]
    assert first["entries"] == {"chapter-1": "# Gusts of Wind", "chapter-2": "# Chapter 2 of Wind"}
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    last = dict(await outputs(database, task))["index"]["value"]
    assert (sorted(last["entries"]), last["missing"]) == (["chapter-1", "chapter-2", "sails"], [])
    parts = await database.fetch("SELECT * FROM parts WHERE task_id = $1 ORDER BY key", task)
    assert [(p["step"], p["key"], p["kind"], p["title"], p["version"]) for p in parts] == [
        ("chapter", "chapter-1", "chapter", "Gusts", 1),
        ("chapter", "chapter-2", "chapter", "Chapter 2", 1),
        ("chapter", "sails", "chapter", "Sails", 1),
    ]
    told = await events(database, task)
    assert told.count("content_failed") == 1
    assert told.count("content_completed") == 3
    assert await database.fetchval("SELECT title FROM roadmap_tasks WHERE task_id = $1", task) == (
        "A book about Wind"
    )


class Talk(BaseModel):
    """What is talked about, and for how long."""

    rounds: int = 3


class Turn(BaseModel):
    """One turn of a debate."""

    said: list[str]


def debate_of(*, ends: bool = True) -> Workflow[Talk]:
    """Return a workflow that loops until its plan says that it is enough."""
    talk = Workflow("talk", request=Talk)

    @talk.step
    async def bull(ctx: Context, bear: Turn | None = None) -> Turn:
        return Turn(said=[*(bear.said if bear else []), "up"])

    @talk.step
    async def bear(ctx: Context, bull: Turn) -> Turn:
        return Turn(said=[*bull.said, "down"])

    review = talk.review(of=bear)

    @talk.step
    def verdict(ctx: Context, bear: Turn, feedback: str | None) -> list[str] | None:
        return [*bear.said, feedback or "no comment"]

    @talk.plan
    def order(done: Finished, request: Talk, bear: Turn | None) -> Next:
        if not ends:
            return bull
        if done.last == "bear" and bear and len(bear.said) < 2 * request.rounds:
            return bull
        if done.last == "bear":
            return review
        if done.decision == "reject":
            return verdict
        return done.next if done.last != "verdict" else END

    return talk


async def test_a_loop(database: asyncpg.Connection) -> None:
    """An author's plan repeats steps until it is enough, and may go on after a rejection."""
    task = await asked(debate_of(), rounds=2)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "reject", feedback="too short")
    assert await run_task(task, worker="w") is Result.COMPLETED
    history = await outputs(database, task)
    assert [step for step, _ in history] == [
        *("bull", "bear", "bull", "bear", "human_review", "verdict"),
    ]
    assert history[-1][1]["value"] == ["up", "down", "up", "down", "too short"]


async def test_a_plan_that_goes_wrong(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan without an end, or with a step that is not there, fails its task and says why."""
    monkeypatch.setattr("workflow.engine.MOST_STEPS", 5)
    task = await asked(debate_of(ends=False))
    assert await run_task(task, worker="w") is Result.FAILED
    error = json.loads(await column(database, task, "error"))
    assert (error["code"], error["step"]) == ("too_many_steps", "bull")
    lost = Workflow("lost", request=Talk)

    @lost.step
    async def only(ctx: Context) -> None:
        return None

    @lost.plan
    def order(done: Finished) -> Next:
        return only if not done else "nowhere"

    task = await asked(lost)
    assert await run_task(task, worker="w") is Result.FAILED
    error = json.loads(await column(database, task, "error"))
    assert "returned 'nowhere', which is no step of it" in error["message"]


def first_note() -> Workflow[Talk]:
    """Return the first version of a workflow."""
    note = Workflow("note", version=1, request=Talk)

    @note.step
    async def draft(ctx: Context) -> str:
        return "first"

    note.review(of=draft)

    @note.step
    async def final(ctx: Context, draft: str) -> str:
        return draft

    return note


def later_note(version: int) -> Workflow[Talk]:
    """Return a version with other steps; from the third on it takes tasks of the first over."""
    note = Workflow("note", version=version, request=Talk)

    @note.step
    async def sources(ctx: Context) -> list[str]:
        return ["new"]

    @note.step
    async def text(ctx: Context, sources: list[str]) -> Turn:
        return Turn(said=["written again"])

    note.review(of=text)

    @note.step
    async def final(ctx: Context, text: Turn, sources: list[str]) -> str:
        return " ".join([*text.said, *sources])

    if version > 2:

        @note.upgrade(from_version=1)
        def rename(results: dict[str, Any]) -> dict[str, Any]:
            return {"text": {"said": [results["draft"]]}, "sources": ["old"]}

    return note


async def test_another_version(database: asyncpg.Connection) -> None:
    """A version that cannot go on with a task leaves it alone; one that can translates it."""
    task = await asked(first_note())
    await run_task(task, worker="w")
    registry.register(definition(later_note(3)))
    await decide(task, "approve")
    assert await column(database, task, "workflow_version") == 3
    registry.register(definition(later_note(2)))
    assert await run_task(task, worker="w") is Result.NOTHING_TO_DO
    registry.register(definition(later_note(3)))
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert dict(await outputs(database, task))["final"]["value"] == "first old"
