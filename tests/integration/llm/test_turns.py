"""Turns for the provider, shared by processes over a real Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from core.settings import Settings, get_settings
from core.time_limit import TimeLimit
from embedded import EmbeddedRedis
from llm.turns import Turns
from tasks import llm_cluster
from tasks.llm_cluster import RedisCluster
from tests.factories import until
from tests.model_rules import Rule
from tests.model_server import ModelServer
from workflow.trying import bounded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from redis.asyncio import Redis

ROOT = Path(__file__).parents[3]
CALLERS = """
import asyncio, os
from core.settings import get_settings
from tasks.llm_cluster import RedisCluster
from llm import Call
from llm.openai_compatible import OpenAIAuthor
from roadmaps.inputs import CallKind, IntentInputs, Learner
from roadmaps.outputs import IntentAnalysis
from tests.prompts import prompt_of

async def main(goal):
    author = OpenAIAuthor(get_settings(), cluster=RedisCluster)
    inputs = IntentInputs(learner=Learner(goal=goal))
    prompt = prompt_of(CallKind.INTENT_ANALYSIS, inputs)
    call = Call(prompt=prompt, output=IntentAnalysis)
    await asyncio.gather(*(author.complete(call) for _ in range(40)))
    await author.aclose()

child = os.fork()  # two processes for the price of one import
asyncio.run(main("one" if child else "two"))
if child:
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.fixture
async def turns_for(redis: Redis) -> AsyncIterator[Callable[..., Turns]]:
    """Makes the turns of processes that share a Redis; all are closed in the end."""
    made: list[Turns] = []

    def make(**limits: Any) -> Turns:
        settings = Settings.model_validate({"llm_provider": "openai", **limits})
        made.append(Turns(settings, cluster=RedisCluster()))
        return made[-1]

    yield make
    for turns in made:
        await turns.aclose()


class Gauge:
    """How many calls run at a time, by whom, and how many ever did."""

    def __init__(self) -> None:
        self.running = 0
        self.peak = 0
        self.order: list[str] = []
        self.began: list[float] = []
        self.busy = asyncio.Event()

    async def call(self, turns: Turns, *, user: str = "", seconds: float = 0.01) -> None:
        """Make one call."""
        async with turns.turn(user=user, tokens=10):
            self.running += 1
            self.peak = max(self.peak, self.running)
            self.order.append(user)
            self.began.append(time.monotonic())
            self.busy.set()
            await asyncio.sleep(seconds)
            self.running -= 1


async def test_the_wait_for_a_turn_is_not_counted(turns_for: Callable[..., Turns]) -> None:
    """Who waits for a turn longer than a step may take is not stopped for it."""
    turns = turns_for(llm_max_concurrency=1)
    gauge = Gauge()

    async def call() -> None:
        work = partial(gauge.call, turns, seconds=0.2)
        await bounded(work, limit=TimeLimit(0.5), name="call")

    await asyncio.gather(*(call() for _ in range(4)))
    assert gauge.peak == 1


async def test_two_processes_keep_one_limit(redis: Redis) -> None:
    """Calls at a time never exceed LLM_MAX_CONCURRENCY over two processes, and use it up."""
    async with ModelServer(latency_s=0.05) as server:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ROADMAP_")} | {
            "ROADMAP_REDIS_URL": os.environ["ROADMAP_REDIS_URL"],
            "ROADMAP_LLM_PROVIDER": "openai",
            "ROADMAP_LLM_BASE_URL": server.base_url,
            "ROADMAP_LLM_MAX_CONCURRENCY": "4",
        }
        callers = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CALLERS, cwd=ROOT, env=environment
        )
        assert await callers.wait() == 0
        assert server.outcomes() == ["ok"] * 80
        assert server.peak == 4
        half = [entry.goal for entry in server.ledger[20:60]]
        assert min(half.count("one"), half.count("two")) >= 10, "one process starves the other"
    assert await redis.hgetall((await redis.keys("roadmap:llm:*:held") or ["none"])[0]) == {}


async def test_without_a_limit_nobody_waits(turns_for: Callable[..., Turns]) -> None:
    """By default each process has 64 calls at a time, whatever others do."""
    one, two, gauge = turns_for(), turns_for(), Gauge()
    calls = [gauge.call(turns, seconds=0.3) for turns in (one, two) for _ in range(64)]
    began = time.monotonic()
    await asyncio.gather(*calls)
    assert gauge.peak == 128
    assert time.monotonic() - began < 2


async def test_a_killed_process_keeps_no_slot(
    turns_for: Callable[..., Turns], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slots of a process that fell silent come back when its lease is over."""
    monkeypatch.setattr(llm_cluster, "LEASE_S", 1)
    lost, alive, gauge = RedisCluster(), turns_for(llm_max_concurrency=2), Gauge()
    taken = await lost.exchange(held=0, want=5, limit=2)
    assert taken.granted == 2
    began = time.monotonic()
    await asyncio.gather(*(gauge.call(alive) for _ in range(4)))
    assert 0.5 < time.monotonic() - began < 5
    assert gauge.peak == 2
    await lost.leave()


async def test_a_clock_of_redis_that_was_ahead_holds_nothing_up(redis: Redis) -> None:
    """Once it was put back, a killed process keeps no slots, and a pause that was told is over."""
    lost, alive = RedisCluster(), RedisCluster()
    assert (await lost.exchange(held=0, want=2, limit=2)).granted == 2
    await lost.slow_down(seen=0, pause_s=5)
    assert 0 < (await alive.exchange(held=0, want=1, limit=2)).pause_s <= 5
    _held, seen, _line, asked, mood = lost._keys
    hour_ms = 3_600_000
    for key in (seen, asked):
        for name in await redis.zrange(key, 0, -1):
            await redis.zincrby(key, hour_ms, str(name))
    for field in ("until", "at"):
        await redis.hincrby(mood, field, hour_ms)
    standing = await alive.exchange(held=0, want=2, limit=2)
    assert (standing.granted, standing.processes, standing.pause_s) == (2, 1, 0)
    await lost.slow_down(seen=0, pause_s=5)
    assert 0 < (await alive.exchange(held=2, want=0, limit=2)).pause_s <= 5
    for cluster in (lost, alive):
        await cluster.leave()


async def test_a_cancelled_call_gives_back_its_place(turns_for: Callable[..., Turns]) -> None:
    """Cancelled while waiting, or while running: nothing leaks, the next one comes at once."""
    turns, gauge = turns_for(llm_max_concurrency=1), Gauge()
    running = asyncio.create_task(gauge.call(turns, seconds=60))
    waiting = [asyncio.create_task(gauge.call(turns)) for _ in range(3)]
    await gauge.busy.wait()
    for task in (waiting[1], running):
        task.cancel()
    await asyncio.wait({waiting[1], running})
    gauge.running = 0
    async with asyncio.timeout(2):
        await asyncio.gather(waiting[0], waiting[2])
    assert gauge.peak == 1


async def test_users_take_turns(turns_for: Callable[..., Turns]) -> None:
    """A second user's call is served next, before the first user's other ones."""
    turns, gauge = turns_for(llm_max_concurrency=1), Gauge()
    busy = [asyncio.create_task(gauge.call(turns, user="busy")) for _ in range(30)]
    await gauge.busy.wait()
    await gauge.call(turns, user="new")
    assert gauge.order.index("new") <= 2
    await asyncio.gather(*busy)


async def test_requests_per_minute_hold_over_processes(turns_for: Callable[..., Turns]) -> None:
    """Ten a second stay ten a second with two processes, one interval apart in each."""
    gauge = Gauge()
    processes = [turns_for(llm_requests_per_minute=600) for _ in range(2)]
    await asyncio.gather(*(gauge.call(turns) for turns in processes for _ in range(15)))
    took = gauge.began[-1] - gauge.began[0]
    assert took >= 1.8, "thirty requests went through in less than two seconds"
    assert took < 6


async def test_a_slow_down_reaches_the_other_process(turns_for: Callable[..., Turns]) -> None:
    """When one is sent away with Retry-After, the other one's calls wait, too, then come slowly."""
    one, two, gauge = turns_for(), turns_for(), Gauge()
    await gauge.call(two)
    async with one.turn(user="", tokens=0) as turn:
        turn.refused(retry_after_s=0.8)
    told = time.monotonic()
    await asyncio.gather(*one._telling)
    gauge.began.clear()
    await asyncio.gather(*(gauge.call(two, seconds=0.1) for _ in range(6)))
    waits = [at - told for at in gauge.began]
    assert min(waits) >= 0.7
    assert max(waits) < 5
    assert max(waits) - min(waits) > 0.05, "all came back at once"


async def test_a_provider_that_says_429_is_left_alone_by_all(redis: Redis) -> None:
    """One 429 with Retry-After holds every call of the process back, not only the one it hit."""
    async with ModelServer(rules=[Rule("status", status=429, retry_after="1", times=1)]) as server:
        from llm.openai_compatible import OpenAIAuthor
        from tests.integration.llm.calls import tutorial

        settings = Settings.model_validate(
            {"llm_provider": "openai", "llm_base_url": server.base_url, "llm_max_concurrency": 2}
        )
        author = OpenAIAuthor(settings, cluster=RedisCluster, backoff_s=0.01)
        await asyncio.gather(*(author.complete(tutorial()) for _ in range(6)))
        await author.aclose()
        at = [entry.at for entry in server.ledger]
        assert server.outcomes().count("status_429") == 1
        late = [moment for moment in at if moment - at[0] > 0.9]
        assert len(late) >= 5


async def test_a_silent_redis_costs_one_moment(
    tmp_path: Path, settings_env: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls go on within the process's own share, and share again when Redis is back."""
    monkeypatch.setattr(llm_cluster, "GUARD_S", 0.3)
    monkeypatch.setattr(llm_cluster, "LOOK_AGAIN_S", 0.1)
    async with AsyncExitStack() as stack:
        own = stack.enter_context(EmbeddedRedis(tmp_path / "redis"))
        assert own.pid is not None
        settings_env.setenv("ROADMAP_REDIS_URL", own.url)
        get_settings.cache_clear()
        limits = {"llm_max_concurrency": 4, "llm_requests_per_minute": 60_000}
        settings = Settings.model_validate({"llm_provider": "openai", **limits})
        turns, other, gauge = Turns(settings, cluster=RedisCluster()), RedisCluster(), Gauge()
        await other.exchange(held=0, want=0, limit=4)
        await gauge.call(turns)
        os.kill(own.pid, signal.SIGSTOP)
        try:
            with capture_logs() as logs:
                began = time.monotonic()
                await asyncio.gather(*(gauge.call(turns) for _ in range(40)))
                assert time.monotonic() - began < 3
            assert gauge.peak == 2, "two processes share four slots"
            assert sum("not_shared" in line["event"] for line in logs) == 1
        finally:
            os.kill(own.pid, signal.SIGCONT)
        cluster = turns._cluster
        assert isinstance(cluster, RedisCluster)
        assert cluster._away is not None
        await asyncio.wait_for(cluster._away, 5)
        await other.leave()

        async def all_four() -> bool:
            await asyncio.gather(*(gauge.call(turns) for _ in range(8)))
            return gauge.peak == 4

        await until(all_four, what="the other's slots taken over")
        await turns.aclose()
