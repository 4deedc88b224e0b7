"""What authors' workflows may ask, give and list, and how a task ends whose parts are too few."""

from __future__ import annotations

import math
import time
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from pydantic import BaseModel

from core.errors import InvalidRequestError
from core.ids import new_id
from core.states import Step
from notifications.event_data import OWN_TEXT, PROGRESS
from tests.factories import ALICE, column, events, pair
from tests.own import asked, error_of, failed_parts, outputs
from tests.toy import Toy
from workflow import Context, PartFailed, Parts, Workflow, live_text, registry
from workflow.ending import Result
from workflow.limits import LONGEST_TITLE, MOST_PARTS
from workflow.retry import remake
from workflow.runs import run_task
from workflow.service import accept_delivery, create_task, retry_task

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

    from notifications.event_data import PartTold


class Request(BaseModel):
    """What the workflows of this file are asked for."""

    names: list[str] = ["a", "b", "c", "d"]
    number: float = 0.0


class Text(BaseModel):
    """What is written here."""

    title: str
    markdown: str


def of(name: str) -> Workflow[Request]:
    """Return a workflow without steps."""
    return Workflow(name, version=1, request=Request, title="Words")


class Share(BaseModel):
    """What has a number."""

    share: float


async def test_results_that_cannot_be_stored(database: asyncpg.Connection) -> None:
    """Each says what is wrong and where; of parts, the others are made."""
    flow = of("unstorable")
    given: dict[str, Any] = {
        "large": {"text": "x" * 5_000_001},
        "endless": {"deep": [{"share": math.inf}]},
        "nul": {"text": "a\x00b"},
        "half": {"text": "\ud83d"},
        "whole": {"number": 2**70},
        "fine": {"text": "\U0001f600", "none": None, "numbers": [1, 2.5]},
    }

    @flow.parts(of=lambda request: request.names)
    async def word(ctx: Context, part: str) -> dict[str, Any]:
        return dict(given[part])

    @flow.step(needs=0)
    async def last(ctx: Context) -> list[Share]:
        return [Share(share=math.nan)]

    task = await asked(flow, names=list(given))
    assert await run_task(task, worker="w") is Result.FAILED
    assert await failed_parts(database, task) == {
        "large": "result_too_large",
        **dict.fromkeys(("endless", "nul", "half", "whole"), "result_invalid"),
    }
    error = await error_of(database, task)
    assert (error["code"], error["step"]) == ("result_invalid", "last")
    assert "value[0].share" in error["message"]
    large = await database.fetchval("SELECT error->>'message' FROM parts WHERE key = 'large'")
    assert "5,000,000" in large
    endless = await database.fetchval("SELECT error->>'message' FROM parts WHERE key = 'endless'")
    assert "deep[0].share" in endless


async def test_lists_that_are_no_list_of_parts(database: asyncpg.Connection) -> None:
    """Too many parts are refused before they cost anything; keys and titles can be stored."""
    listed: list[Any] = []
    flow = of("listing")

    @flow.parts(of=lambda: listed[0], key=lambda part: part, title=lambda part: f"T\x00{part}" * 99)
    async def word(ctx: Context, part: str) -> str:
        return str(part)

    for parts, code, said in (
        (range(1_000_000), "too_many_parts", "1,000,000"),
        ((str(n) for n in range(10**12)), "too_many_parts", f"more than {MOST_PARTS:,}"),
        (["x" * 201], "invalid_part", "200"),
        ([" \n"], "invalid_part", "is nothing but white space"),
        (["."], "invalid_part", "'.' means something else in an address"),
        ([".."], "invalid_part", "'..' means something else in an address"),
        ([1.5], "invalid_part", "'1.5'; it must be text"),
        (["a\x00"], "invalid_part", "NUL"),
        (["\ud83d"], "invalid_part", "half"),
        (["a", "a"], "invalid_part", "'a'"),
        ([""], "invalid_part", "''"),
    ):
        listed[:] = [parts]
        task = await asked(flow)
        began = time.monotonic()
        assert await run_task(task, worker="w") is Result.FAILED
        assert time.monotonic() - began < 3
        error = await error_of(database, task)
        assert (error["code"], error["step"]) == (code, "word"), error
        assert said in error["message"]
    listed[:] = [["fine"]]
    task = await asked(flow)
    assert await run_task(task, worker="w") is Result.COMPLETED
    title = await database.fetchval("SELECT title FROM parts WHERE task_id = $1", task)
    assert len(title) == LONGEST_TITLE
    assert title.startswith("Tfine")


class Color(str, Enum):  # noqa: UP042 - as many write it
    """A part of its own."""

    RED = "red"


class Number(IntEnum):
    """Ditto, of numbers."""

    ONE = 1


async def test_keys(database: asyncpg.Connection) -> None:
    """A key is what the author gave, to the last blank; of an enum what its member stands for."""
    flow = of("keys")
    listed = [Color.RED, Number.ONE, " a ", "a", 7, "..."]

    @flow.parts(of=lambda: listed, title=lambda part: part)
    async def word(ctx: Context, part: Any) -> str:
        return str(part)

    @flow.step
    async def last(ctx: Context, word: Parts[str]) -> list[str]:
        return list(word)

    task = await asked(flow)
    assert await run_task(task, worker="w") is Result.COMPLETED
    keys = ["red", "1", " a ", "a", "7", "..."]
    assert (await outputs(database, task))[-1] == ("last", {"value": keys})
    titles = await database.fetch("SELECT title FROM parts WHERE task_id = $1", task)
    assert sorted(row["title"] for row in titles) == sorted(key.strip() for key in keys)


async def test_requests_that_cannot_be_stored(database: asyncpg.Connection) -> None:
    """They are refused with the field; a message of another program leaves a failed task."""
    flow = of("asking")

    @flow.step
    async def last(ctx: Context) -> None:
        return None

    for request, said in (
        ({"number": math.nan}, "number"),
        ({"names": ["a\x00"]}, r"names\[0\]"),
        ({"names": ["x" * 1_000_001]}, "1,000,000"),
    ):
        with pytest.raises(InvalidRequestError, match=said):
            await asked(flow, **request)
    task = new_id()
    bad = {"names": ["a\x00"]}
    assert not await accept_delivery(task, user_id="alice", request=bad, workflow="asking")
    assert await pair(database, task) == ("failed", "last")
    assert (await error_of(database, task))["code"] == "invalid_request"
    assert await column(database, task, "title") == "asking"


@pytest.mark.parametrize("title", [lambda request: request.names[99], lambda _: None])
async def test_a_title_that_fails(database: asyncpg.Connection, title: Any) -> None:
    """The task is called by its workflow then, and runs."""
    flow: Workflow[Request] = Workflow("untitled_flow", version=1, request=Request, title=title)

    @flow.step
    async def last(ctx: Context) -> None:
        return None

    task = await asked(flow)
    assert await column(database, task, "title") == "untitled flow"
    assert await run_task(task, worker="w") is Result.COMPLETED


async def test_steps_after_parts(database: asyncpg.Connection) -> None:
    """Each runs with as many parts as it needs; a retry makes the failed ones, then it again."""
    flow = of("needy")
    fails = {"a", "b", "c"}
    sums: list[tuple[list[str], list[str]]] = []

    @flow.parts(of=lambda request: request.names)
    async def word(ctx: Context, part: str) -> str:
        if part in fails:
            raise PartFailed("told_to", "It was told to fail.")
        return part

    @flow.step(needs=0.5)
    async def some(ctx: Context, word: Parts[str]) -> int:
        sums.append((sorted(word.done), sorted(word.failed)))
        return len(word.done)

    @flow.step
    async def all_of_them(ctx: Context, word: Parts[str]) -> int:
        return len(word.done)

    task = await asked(flow)
    ends: list[Any] = []
    for left in ({"a", "b", "c"}, {"a"}, set[str]()):
        fails.clear()
        fails.update(left)
        if ends:
            await retry_task(task, actor=ALICE)
        result = await run_task(task, worker="w")
        steps = [step for step, _ in await outputs(database, task)]
        ends.append((result, *(await pair(database, task)), steps))
    assert ends == [
        (Result.PARTIAL_FAILURE, "partial_failure", "word", []),
        (Result.PARTIAL_FAILURE, "partial_failure", "word", ["word", "some"]),
        (Result.COMPLETED, "completed", "completed", ["word", "some", "all_of_them"]),
    ]
    assert sums == [(["b", "c", "d"], ["a"]), (["a", "b", "c", "d"], [])]
    told = await events(database, task)
    assert (told.count("content_completed"), told.count("content_failed")) == (4, 4)
    assert await column(database, task, "failures") == 0


async def test_two_steps_with_parts(database: asyncpg.Connection) -> None:
    """The task ends by the parts of both; either's can be made anew."""
    flow = of("twofold")
    fails = {"a"}

    @flow.parts(of=lambda request: request.names)
    async def first(ctx: Context, part: str) -> str:
        if part in fails:
            raise PartFailed("told_to", "It was told to fail.")
        return part

    @flow.parts(of=lambda request: request.names[:1])
    async def second(ctx: Context, part: str) -> str:
        return part

    task = await asked(flow)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    assert await pair(database, task) == ("partial_failure", "first")
    assert await column(database, task, "failures") == 1
    fails.clear()
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    for key in ("a", "b"):
        await remake(task, "first", key, actor=ALICE)
        assert await run_task(task, worker="w") is Result.COMPLETED
    assert await database.fetchval("SELECT count(*) FROM parts") == 4 + 1 + 2
    assert await column(database, task, "failures") == 0


async def test_what_viewers_are_shown_meanwhile(database: asyncpg.Connection) -> None:
    """Streamed fields of steps and parts, and how far they are, under names of their own."""
    flow = of("shown")
    shown: list[tuple[PartTold, int, str]] = []

    @flow.step
    async def write(ctx: Context) -> Text:
        ctx.progress("Thinking\x00")
        return await ctx.stream(Text, "Write about wind", field="markdown", system="You write.")

    @flow.parts(of=lambda: ["wind"], title=lambda part: part.title())
    def word(ctx: Context, part: str) -> Text:
        ctx.progress("Half of it")
        return ctx.wait(ctx.stream(Text, f"Write about {part}", field="markdown"))

    @flow.step
    async def last(ctx: Context) -> None:
        await ctx.progress("Nearly there")
        with pytest.raises(ValueError, match="no field 'body'"):
            await ctx.stream(Text, "x", field="body")
        with pytest.raises(ValueError, match="role"):
            await ctx.ask(Text, [{"role": "pirate", "content": "x"}])

    live_text.install(lambda _task, about, *, offset, text: shown.append((about, offset, text)))
    try:
        task = await asked(flow)
        assert await run_task(task, worker="w") is Result.COMPLETED
    finally:
        live_text.install(None)
    results = dict(await outputs(database, task))
    kinds = [(about["step"], about["key"], about["kind"]) for about, _, _ in shown]
    assert set(kinds) == {
        ("write", None, PROGRESS),
        ("write", None, OWN_TEXT),
        ("word", "wind", PROGRESS),
        ("word", "wind", "word"),
        ("last", None, PROGRESS),
    }
    told = [(offset, text) for about, offset, text in shown if about["kind"] == PROGRESS]
    assert told == [(0, "Thinking"), (0, "Half of it"), (0, "Nearly there")]
    text = "".join(text for about, _, text in shown if about["kind"] == OWN_TEXT)
    assert text == results["write"]["value"]["markdown"]
    assert all(about["title"] == "Wind" for about, _, _ in shown if about["key"])


class Lost(Toy):
    """A workflow whose plan is wrong."""

    name = "lost"
    stages = Toy.stages.__class__(
        workflow="lost", begins_at={"plan": 1, "check": 5, "write": 10, "sum_up": 90},
        ends_at={"write": 90}, review_at=8,
    )  # fmt: skip
    says: ClassVar[list[Any]] = []

    def next_step(self, history: Any, _request: Any) -> str:
        """Say what the test wants, after the first step."""
        if not history and len(self.says) > 1:
            return "plan"
        if isinstance(self.says[0], Exception):
            raise self.says[0]
        return str(self.says[0])


async def test_plans_that_say_nothing_of_use(database: asyncpg.Connection, tmp_path: Path) -> None:
    """The task fails with a plain reason, whether the plan fails at first or later."""
    registry.register(Lost())
    request = Lost.request.model_validate({"topic": "Wind", "folder": str(tmp_path)})
    for says, later, code in (
        (ZeroDivisionError("x"), False, "unexpected_error"),
        (ZeroDivisionError("x"), True, "unexpected_error"),
        (LookupError("x"), False, "unreadable_record"),
        ("nowhere", False, "plan_failed"),
        ("nowhere", True, "plan_failed"),
        (Step.QUEUED, True, "plan_failed"),
    ):
        Lost.says = [says, later] if later else [says]
        task = await create_task(request, user_id="alice", workflow="lost")
        await run_task(task, worker="w")
        assert await pair(database, task) == ("failed", "plan")
        assert (await error_of(database, task))["code"] == code, says
