"""An author's workflow, run by the engine: typed results, reviews, parts, versions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import BaseModel

from core.errors import InvalidRequestError
from core.states import Decision
from roadmap_worker import END, Context, Finished, Next, PartFailed, Parts, Workflow
from tests import book
from tests.factories import ALICE, column, events, pair
from workflow import registry
from workflow.audit import examine_all, repair
from workflow.authoring import definition
from workflow.ending import Result
from workflow.review_deadlines import expire
from workflow.runs import run_task
from workflow.service import create_task, decide_review, retry_task
from workflow.showing import results_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    import asyncpg


@dataclass(frozen=True)
class Answered:
    """A human's answer."""

    decision: Decision
    feedback: str | None = None
    edits: Any = None
    then: Any = None
    looks_again: bool = False

    @property
    def replaces(self) -> bool:
        """An edit brings a whole value."""
        return self.decision is Decision.EDIT


async def asked(workflow: Workflow[Any], **request: Any) -> UUID:
    """Ask for a task of an author's workflow."""
    registry.register(definition(workflow))
    return await create_task(
        workflow.request.model_validate(request), user_id="alice", workflow=workflow.name
    )


async def decide(task: UUID, decision: str, **more: Any) -> None:
    """Decide the open review."""
    await decide_review(task, Answered(Decision(decision), **more), actor=ALICE)


async def outputs(database: asyncpg.Connection, task: UUID) -> list[tuple[str, Any]]:
    """Return what each finished step gave, in order."""
    rows = await database.fetch(
        "SELECT step, output FROM checkpoints WHERE task_id = $1 ORDER BY position", task
    )
    return [(row["step"], json.loads(row["output"])) for row in rows]


@pytest.fixture(autouse=True)
async def _sound(database: asyncpg.Connection) -> AsyncIterator[None]:
    """Whatever a test has left, the audit reads it and finds nothing wrong."""
    yield
    assert (await examine_all()).kept == []


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


class Shop(BaseModel):
    """What is on offer."""

    goods: list[str]
    kinds: bool = True


class Offer(BaseModel):
    """A good."""

    name: str


def shop_of(made: list[str], *, version: int = 1) -> Workflow[Shop]:
    """Return a workflow with two parts steps over one list, one of them of two kinds."""
    shop = Workflow("shop", request=Shop)

    @shop.step
    async def stock(ctx: Context, request: Shop) -> list[Offer]:
        return [Offer(name=name) for name in request.goods]

    shop.review(of=stock, due_hours=1, on_expiry="approve")

    @shop.parts(of=stock, key="name", kinds=("text", "picture"), version=version)
    async def advert(ctx: Context, part: Offer, kind: Literal["text", "picture"]) -> str:
        made.append(f"{kind} of {part.name}")
        if part.name == "bad":
            raise PartFailed("unsellable", f"Nobody wants {part.name}.")
        return f"{kind}: {part.name}"

    @shop.parts(of=lambda stock: [each.name for each in stock])
    async def price(
        ctx: Context, part: str, advert: Parts[dict[str, str]], stock: list[Offer]
    ) -> int:
        made.append(f"price of {part}")
        return len(stock) * 10 + len(advert.done.get(part, {}))

    @shop.step(needs=0)
    async def till(
        ctx: Context, advert: Parts[dict[str, str]], price: Parts[int]
    ) -> dict[str, Any]:
        return {
            "prices": dict(price),
            "failed": {key: why.code for key, why in advert.failed.items()},
            "why": {key: sorted(why.by_kind) for key, why in advert.failed.items()},
            "pictures": dict(advert.of_kind("picture")),
        }

    return shop


async def test_parts_of_kinds(database: asyncpg.Connection) -> None:
    """Two steps make parts of one list, one of them of two kinds; later steps get all by name."""
    made: list[str] = []
    task = await asked(shop_of(made), goods=["tea", "rum"])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert sorted(made) == sorted(
        [f"{kind} of {name}" for kind in ("text", "picture", "price") for name in ("tea", "rum")]
    )
    till = dict(await outputs(database, task))["till"]["value"]
    assert till == {
        "prices": {"tea": 22, "rum": 22},
        "failed": {},
        "why": {},
        "pictures": {"tea": "picture: tea", "rum": "picture: rum"},
    }
    await database.execute("UPDATE roadmap_tasks SET done = 1 WHERE task_id = $1", task)
    wrong = (await examine_all()).kept
    assert [each.kind for each in wrong] == ["progress_counts"]
    await repair(wrong)
    assert await column(database, task, "done") == 2, "of the step that made parts last"


async def test_what_parts_gave(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that failed in two kinds shows both; results have all parts, unless it is too much."""
    task = await asked(shop_of([]), goods=["tea", "bad"])
    await run_task(task, worker="w")
    assert (await results_of(task, actor=ALICE)).results.keys() == {"stock"}
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    given = await results_of(task, actor=ALICE)
    assert list(given.results) == ["stock", "advert", "price", "till"]
    assert given.results["advert"] == {"tea": {"text": "text: tea", "picture": "picture: tea"}}
    assert given.results["price"] == {"bad": 20, "tea": 22}
    assert given.results["till"]["why"] == {"bad": ["picture", "text"]}
    advert = next(each for each in given.steps if each.step == "advert")
    assert [(f.key, f.kind, f.code) for f in advert.failed] == [
        ("bad", "picture", "unsellable"),
        ("bad", "text", "unsellable"),
    ]
    assert (advert.parts, advert.left_out, advert.schema_) == (True, False, {"type": "string"})
    alone = await results_of(task, actor=ALICE, parts=False)
    assert list(alone.results) == ["stock", "till"]
    monkeypatch.setattr("watching.queries.results.MOST_AT_ONCE", 10)
    short = await results_of(task, actor=ALICE)
    assert list(short.results) == ["stock", "till"] or list(short.results) == [
        "stock",
        "price",
        "till",
    ]
    assert [each.step for each in short.steps if each.left_out][:1] == ["advert"]


async def test_the_parts_at_the_end(database: asyncpg.Connection) -> None:
    """Results have the parts of a step that nothing follows, once the task has ended."""
    last = Workflow("last", request=Shop)

    @last.parts(of=lambda request: request.goods, kinds=("text",))
    async def advert(ctx: Context, part: str, kind: str) -> str:
        return f"{kind}: {part}"

    task = await asked(last, goods=["tea"])
    assert (await results_of(task, actor=ALICE)).results == {}
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert (await results_of(task, actor=ALICE)).results == {
        "advert": {"tea": {"text": "text: tea"}}
    }


async def test_lists_that_are_wrong_or_empty(database: asyncpg.Connection) -> None:
    """Two parts of one key fail the task with a sentence; a list without parts is complete."""
    task = await asked(shop_of([]), goods=["tea", "tea"])
    await run_task(task, worker="w")
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.FAILED
    error = json.loads(await column(database, task, "error"))
    assert (error["code"], error["step"]) == ("invalid_part", "advert")
    assert "two parts with the key 'tea'" in error["message"]
    task = await asked(shop_of([]), goods=[])
    await run_task(task, worker="w")
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED


async def test_an_overdue_review(database: asyncpg.Connection) -> None:
    """A review's own hours and what follows them count before the settings."""
    task = await asked(shop_of([]), goods=["tea"])
    await run_task(task, worker="w")
    due = "SELECT due_at - created_at < interval '61 minutes' FROM reviews WHERE task_id = $1"
    assert await database.fetchval(due, task)
    assert await expire() == 0
    await database.execute("UPDATE reviews SET due_at = now() WHERE task_id = $1", task)
    assert await expire() == 1
    assert await run_task(task, worker="w") is Result.COMPLETED


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


async def test_without_reviews(database: asyncpg.Connection) -> None:
    """A request that wants no review is asked for none."""
    workflow = shop_of([])
    registry.register(definition(workflow))
    task = await create_task(
        Shop(goods=["tea"]), user_id="alice", workflow="shop", asks_review=False
    )
    assert await run_task(task, worker="w") is Result.COMPLETED


async def test_a_list_that_an_edit_changes(database: asyncpg.Connection) -> None:
    """Only new parts are made; one that vanished is hidden, and back when its key is."""
    made: list[str] = []
    late = Workflow("late", request=Shop)

    @late.step
    async def stock(ctx: Context, request: Shop) -> list[Offer]:
        return [Offer(name=name) for name in request.goods]

    @late.parts(of=stock, key="name")
    async def advert(ctx: Context, part: Offer) -> str:
        made.append(part.name)
        return part.name.upper()

    late.review(of=stock)

    @late.step
    async def till(ctx: Context, advert: Parts[str]) -> list[str]:
        return list(advert.values())

    task = await asked(late, goods=["tea", "rum"])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "edit", edits=[{"name": "gin"}, {"name": "rum"}])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert made == ["tea", "rum", "gin"]
    hidden = "SELECT key FROM parts WHERE task_id = $1 AND hidden"
    assert [row["key"] for row in await database.fetch(hidden, task)] == ["tea"]
    await decide(task, "edit", edits=[{"name": "tea"}, {"name": "gin"}])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert made == ["tea", "rum", "gin"]
    assert dict(await outputs(database, task))["till"]["value"] == ["TEA", "GIN"]
