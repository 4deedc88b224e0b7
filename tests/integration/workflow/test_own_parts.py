"""Parts of an author's workflow: kinds, what they gave, lists that are wrong or change."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import BaseModel

from core.states import ContentStatus
from roadmap_worker import Context, Finished, Next, PartFailed, Parts, Workflow
from tests.factories import ALICE, column
from tests.integration.workflow.own import asked, decide, outputs
from watching.queries.parts import parts_page
from watching.queries.tasks import get_task
from watching.queries.usage import get_usage
from workflow import registry
from workflow.audit import examine_all, repair
from workflow.authoring import definition
from workflow.ending import Result
from workflow.review_deadlines import expire
from workflow.runs import run_task
from workflow.service import create_task
from workflow.showing import results_of

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.usefixtures("sound")


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
    assert list(given.results["price"].items()) == [("tea", 22), ("bad", 20)]
    assert given.results["till"]["why"] == {"bad": ["picture", "text"]}
    usage = await get_usage(task, actor=ALICE)
    assert [each.step for each in usage.steps] == ["stock", "advert", "price", "till"], "once each"
    advert = next(each for each in given.steps if each.step == "advert")
    assert [(f.key, f.kind, f.code) for f in advert.failed] == [
        ("bad", "text", "unsellable"),
        ("bad", "picture", "unsellable"),
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


async def test_their_order(database: asyncpg.Connection) -> None:
    """They are listed as the author listed them, steps, entries and kinds, page by page."""
    task = await asked(shop_of([]), goods=["tea", "bad", "rum", "gin"])
    await run_task(task, worker="w")
    await decide(task, "edit", edits=[{"name": name} for name in ("wine", "bad", "tea", "ale")])
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    views, after = await parts_page(task, actor=ALICE, limit=5)
    pages = [(each.step, each.key, each.kind) for each in views]
    while after:
        views, after = await parts_page(task, actor=ALICE, after=after, limit=5)
        pages += [(each.step, each.key, each.kind) for each in views]
    goods = ("wine", "bad", "tea", "ale")
    adverts = [("advert", key, kind) for key in goods for kind in ("text", "picture")]
    assert pages == [*adverts, *(("price", key, "price") for key in goods)]
    failed, _ = await parts_page(task, actor=ALICE, statuses=[ContentStatus.FAILED], limit=1)
    assert [each.kind for each in failed] == ["text"]
    task_view = await get_task(task, actor=ALICE)
    assert [each.kind for each in task_view.failed_contents] == ["text", "picture"]


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
    told = "SELECT message FROM notifications WHERE task_id = $1 AND kind = 'task_completed'"
    assert await database.fetchval(told, task) == "The task is complete"


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

    look = late.review(of=stock)

    @late.step
    async def till(ctx: Context, advert: Parts[str]) -> list[str]:
        return list(advert.values())

    @late.plan
    def plan(done: Finished) -> Next:
        return look if done.last == "advert" else done.next

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
    assert [each.key for each in (await parts_page(task, actor=ALICE))[0]] == ["tea", "gin"]
    assert dict(await outputs(database, task))["till"]["value"] == ["TEA", "GIN"]


class Priced(BaseModel):
    """A good with what is said of it."""

    name: str
    cents: int
    note: str = ""


async def test_what_parts_are_made_from(database: asyncpg.Connection) -> None:
    """Only the fields that are named make a part anew; so many keys are made at a time."""
    made: list[str] = []
    busy = most = 0
    sale = Workflow("sale", request=Shop)

    @sale.step
    async def stock(ctx: Context, request: Shop) -> list[Priced]:
        return [Priced(name=name, cents=1) for name in request.goods]

    @sale.parts(of=stock, key="name", made_from=("cents",), concurrency=2)
    async def label(ctx: Context, part: Priced) -> str:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        made.append(part.name)
        return f"{part.name}: {part.cents}"

    sale.review(of=stock)

    task = await asked(sale, goods=["tea", "rum", "gin", "ale"])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert (sorted(made), most) == (["ale", "gin", "rum", "tea"], 2)
    edits = [{"name": "tea", "cents": 1, "note": "green"}, {"name": "rum", "cents": 2}]
    await decide(task, "edit", edits=edits)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert made[4:] == ["rum"]
    views, _ = await parts_page(task, actor=ALICE)
    assert [(each.key, each.version) for each in views] == [("tea", 1), ("rum", 2)]


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


async def test_without_reviews(database: asyncpg.Connection) -> None:
    """A request that wants no review is asked for none."""
    workflow = shop_of([])
    registry.register(definition(workflow))
    task = await create_task(
        Shop(goods=["tea"]), user_id="alice", workflow="shop", asks_review=False
    )
    assert await run_task(task, worker="w") is Result.COMPLETED
