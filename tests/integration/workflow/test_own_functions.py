"""How authors' functions run: in threads, tried again, bounded, cancelled, left when they hang."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from pydantic import BaseModel

from core.settings import get_settings
from tests.factories import ADMIN, ALICE, events, pair
from tests.own import asked, error_of, failed_parts, outputs
from watching import queries
from workflow import Context, PartFailed, Parts, Retryable, Workflow, trying
from workflow.drain import drain
from workflow.ending import Result
from workflow.heartbeat import keeper
from workflow.lease import Stop
from workflow.runs import run_task
from workflow.service import retry_task

if TYPE_CHECKING:
    import asyncpg


class Request(BaseModel):
    """What the workflows of this file are asked for."""

    names: list[str] = ["a", "b"]


class Word(BaseModel):
    """What models answer here."""

    word: str


def of(name: str, **options: Any) -> Workflow[Request]:
    """Return a workflow without steps."""
    return Workflow(name, version=1, request=Request, title="Words", **options)


async def test_a_function_without_async_runs_in_a_thread(database: asyncpg.Connection) -> None:
    """It blocks nobody, keeps context variables, and may ask a model by `ctx.wait`."""
    flow = of("threaded")
    beats = 0

    @flow.step
    def think(ctx: Context, request: Request) -> str:
        assert threading.current_thread() is not threading.main_thread()
        assert structlog.contextvars.get_contextvars()["step"] == "think"
        before = beats
        deadline = time.monotonic() + 10
        while beats < before + 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert beats >= before + 3, "the loop stood still"
        return ctx.wait(ctx.ask(Word, f"A word for {request.names}")).word

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.005)

    task = await asked(flow)
    beating = asyncio.create_task(beat())
    assert await run_task(task, worker="w") is Result.COMPLETED
    beating.cancel()
    assert "sample" in (await outputs(database, task))[0][1]["value"].lower()


async def test_what_hangs_is_left_behind(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that blocks and code that swallows its cancellation end as `step_timeout`."""
    monkeypatch.setattr(trying, "GRACE_S", 0.2)
    flow = of("hanging")
    free, ended, asks = threading.Event(), asyncio.Event(), []

    @flow.parts(of=lambda request: request.names, timeout_s=0.2)
    async def word(ctx: Context, part: str) -> str:
        if part == "finally":
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
        while part == "swallows" and not free.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                asks.append(ctx)
        return part

    @flow.step(needs=0, timeout_s=0.2)
    def block(ctx: Context) -> None:
        free.wait(30)

    task = await asked(flow, names=["quick", "finally", "swallows"])
    began = time.monotonic()
    assert await run_task(task, worker="w") is Result.FAILED
    assert time.monotonic() - began < 5
    assert await pair(database, task) == ("failed", "block")
    error = await error_of(database, task)
    assert error["code"] == "step_timeout"
    assert "0.2 s" in error["message"]
    assert "timeout_s" in error["message"]
    assert await failed_parts(database, task) == dict.fromkeys(
        ("finally", "swallows"), "step_timeout"
    )
    assert ended.is_set()
    (left,) = {id(ctx): ctx for ctx in asks}.values()
    try:  # what is left behind asks for nothing any more
        await left.ask(Word, "A word")
    except asyncio.CancelledError:
        pass
    else:
        raise AssertionError("it was answered")
    free.set()
    await asyncio.wait(trying._left_behind or {asyncio.ensure_future(asyncio.sleep(0))})


async def test_what_outlives_its_step_is_told_so(database: asyncpg.Connection) -> None:
    """A task that a step began, and did not await, asks for nothing any more, and reads why."""
    flow = of("outlived")
    begun: list[asyncio.Task[str]] = []

    @flow.step
    async def first(ctx: Context) -> None:
        async def later() -> str:
            await asyncio.sleep(0.1)
            return (await ctx.ask(Word, "A word")).word

        begun.append(asyncio.create_task(later()))

    assert await run_task(await asked(flow), worker="w") is Result.COMPLETED
    with structlog.testing.capture_logs() as lines, pytest.raises(asyncio.CancelledError) as told:
        await begun[0]
    assert "'first' has ended" in str(told.value)
    assert ("asked_after_the_end", "first") in [(line["event"], line.get("step")) for line in lines]


async def test_cancelled_code_ends_within_two_seconds(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `finally` runs, with what it awaits; a retry that waits is interrupted at once."""
    monkeypatch.setattr(trying, "GRACE_S", 0.5)
    flow = of("cancelled")
    began, cleaned = asyncio.Event(), []

    @flow.parts(of=lambda request: request.names)
    async def word(ctx: Context, part: str) -> str:
        if part == "later":
            raise Retryable("not yet", after_s=3000)
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
            cleaned.append(part)
            raise
        return part

    task = await asked(flow, names=["later", "hangs"])
    run = asyncio.create_task(run_task(task, worker="w"))
    await began.wait()
    (claim,) = keeper().claims()
    stopped = time.monotonic()
    keeper().stop(claim, Stop.DRAIN)
    assert await run is Result.RELEASED
    assert time.monotonic() - stopped < 2
    assert cleaned == ["hangs"]


async def test_what_may_pass_is_tried_again(database: asyncpg.Connection) -> None:
    """A wait holds no place; tries are bounded and told; what is for good is not tried again."""
    flow = of("retried")
    tries: Counter[str] = Counter()
    order: list[str] = []

    @flow.parts(of=lambda request: request.names, concurrency=1)
    async def plain(ctx: Context, part: str) -> str:
        tries[part] += 1
        order.append(part)
        if part == "soon" and tries[part] < 3:
            raise Retryable("busy", after_s=0.05)
        if part == "never":
            raise Retryable(after_s=0)
        if part == "broken":
            raise ValueError("/secret/path")
        if part == "for_good":
            raise PartFailed("no_sources", "Nobody wrote about it.")
        return part

    @flow.parts(of=lambda request: request.names, retries=1)
    async def stubborn(ctx: Context, part: str) -> str:
        tries[f"stubborn {part}"] += 1
        if part == "broken":
            async with asyncio.TaskGroup() as group:
                group.create_task(_raise(ValueError("inside a group")))
        if part == "for_good":
            raise PartFailed("no_sources", "Nobody wrote about it.")
        if part == "never":
            raise RuntimeError
        return part

    names = ["soon", "never", "broken", "for_good", "fine"]
    task = await asked(flow, names=names)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    assert await pair(database, task) == ("partial_failure", "plain")
    assert {name: tries[name] for name in names} == {
        "soon": 3,
        "never": 4,
        "broken": 1,
        "for_good": 1,
        "fine": 1,
    }
    assert order.index("fine") < [n for n, part in enumerate(order) if part == "soon"][-1], (
        "the wait held the only place"
    )
    assert tries["stubborn broken"] == tries["stubborn never"] == 2
    assert tries["stubborn for_good"] == 1
    rows = await database.fetch(
        "SELECT step, key, error->>'code' AS code, error->>'trace' AS trace FROM parts"
        " WHERE status = 'failed'"
    )
    codes = {(row["step"], row["key"]): row["code"] for row in rows}
    assert codes == {
        ("plain", "never"): "retries_exhausted",
        ("plain", "broken"): "unexpected_error",
        ("plain", "for_good"): "no_sources",
        ("stubborn", "never"): "unexpected_error",
        ("stubborn", "broken"): "unexpected_error",
        ("stubborn", "for_good"): "no_sources",
    }
    assert (await events(database, task)).count("step_retrying") == 2 + 3 + 2
    told = await database.fetchrow(
        "SELECT payload->>'message' AS message, payload->'data'->>'key' AS key FROM task_events"
        " WHERE type = 'step_retrying' ORDER BY seq LIMIT 1"
    )
    assert told is not None
    assert (told["key"], told["message"]) == (
        "soon",
        "The plain of 'soon' is tried again: busy",
    )
    seen = (await queries.get_task(task, actor=ALICE)).model_dump_json()
    assert "secret" not in seen
    assert "Traceback" not in seen
    admins = await queries.get_task(task, actor=ADMIN)
    traces = {(f.step, f.key): f.trace for f in admins.failed_contents}
    assert "/secret/path" in (traces["plain", "broken"] or "")
    assert traces["plain", "for_good"] is None
    events_told = await database.fetchval("SELECT string_agg(payload::text, '') FROM task_events")
    assert "secret" not in events_told


async def _raise(error: Exception) -> None:
    raise error


async def test_a_step_that_raises(database: asyncpg.Connection) -> None:
    """It fails the task under its own code; not even `sys.exit` harms the others on the loop."""
    flow = of("raising")
    how: list[BaseException] = []

    @flow.step
    async def first(ctx: Context) -> str:
        return "kept"

    @flow.step
    async def second(ctx: Context, first: str) -> str:
        raise how[0]

    for raised, code in (
        (KeyError("x"), "unexpected_error"),
        (SystemExit(3), "unexpected_error"),
        (asyncio.CancelledError(), "unexpected_error"),
        (TimeoutError(), "unexpected_error"),
        (PartFailed("no_money", "There is none."), "no_money"),
    ):
        how[:] = [raised]
        task = await asked(flow)
        assert await run_task(task, worker="w") is Result.FAILED
        assert await pair(database, task) == ("failed", "second")
        error = await error_of(database, task)
        assert (error["code"], error["step"]) == (code, "second")
        assert ("trace" in error) == (code == "unexpected_error")
    seen = await queries.get_task(task, actor=ALICE)
    assert seen.error is not None
    assert (seen.error.message, seen.error.trace) == ("There is none.", None)


async def test_a_worker_that_stops_does_not_wait_for_a_next_try(
    database: asyncpg.Connection,
) -> None:
    """The part is left for another worker, which makes it; what is done stays done."""
    flow = of("draining")
    made: list[str] = []
    waits, some_made = asyncio.Event(), asyncio.Event()

    @flow.parts(of=lambda request: request.names)
    async def word(ctx: Context, part: str) -> str:
        if part == "later" and not waits.is_set():
            waits.set()
            raise Retryable("not yet", after_s=3000)
        made.append(part)
        some_made.set()
        return part

    task = await asked(flow, names=["later", "now"])
    run = asyncio.create_task(run_task(task, worker="w"))
    await waits.wait()
    await some_made.wait()
    drain().begin()
    assert await run is Result.RELEASED
    drain()._begun.clear()
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert sorted(made) == ["later", "now"]


async def test_a_task_has_its_own_budget(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """The lower limit counts, and parts at once pass it by what was under way at most."""
    flow = of("thrifty", budget_tokens=3000)
    spent: list[int] = []

    @flow.parts(of=lambda request: request.names, concurrency=8)
    async def word(ctx: Context, part: str) -> str:
        return (await ctx.ask(Word, [{"role": "user", "content": f"{part} " * 800}])).word

    settings_env.setenv("ROADMAP_MAX_TOKENS_PER_TASK", "1000000")
    get_settings.cache_clear()
    task = await asked(flow, names=[f"part{n}" for n in range(20)])
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    codes = set((await failed_parts(database, task)).values())
    assert codes == {"token_budget_exceeded"}
    tokens = await database.fetchval("SELECT tokens FROM roadmap_tasks WHERE task_id = $1", task)
    each = await database.fetchval("SELECT max(tokens) FROM parts")
    spent.append(tokens)
    assert 3000 <= tokens <= 3000 + 2 * each, (tokens, each)
    message = await database.fetchval("SELECT error->>'message' FROM parts WHERE error IS NOT NULL")
    assert "budget_tokens" in message


async def test_keys_of_effects_are_stable(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A retry has the same key; another part, step, or other parts before have another."""
    flow = of("effects")
    keys: dict[str, list[str]] = {}
    fails = {"b": True, "sum": True}

    def seen(ctx: Context, name: str) -> None:
        assert (ctx.task_id, ctx.user_id) == (str(task), "alice")
        keys.setdefault(name, []).append(ctx.idempotency_key)
        attempts.append(ctx.attempt)
        ctx.log.info("seen")

    attempts: list[int] = []

    @flow.step
    async def first(ctx: Context) -> str:
        seen(ctx, "first")
        return "x"

    @flow.parts(of=lambda request: request.names)
    async def word(ctx: Context, part: str) -> str:
        seen(ctx, part)
        if fails.get(part):
            raise PartFailed("broken", "It is broken.")
        return part

    @flow.step(needs=0.5)
    async def total(ctx: Context, word: Parts[str]) -> list[str]:
        seen(ctx, "total")
        if fails["sum"]:
            raise ValueError("once")
        return [*word.done, *word.failed]

    task = await asked(flow)
    assert await run_task(task, worker="w") is Result.FAILED
    assert await pair(database, task) == ("failed", "total")
    fails["sum"] = False
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    fails["b"] = False
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert len(keys["b"]) == 3
    assert len(set(keys["b"])) == 1
    assert keys["total"][0] == keys["total"][1] != keys["total"][2], "the same parts, the same key"
    assert len(keys["first"]) == len(keys["a"]) == 1
    assert len({key for each in keys.values() for key in each}) == 5
    assert set(attempts) == {1, 2, 3}
