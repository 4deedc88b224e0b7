"""What a task costs, where it is kept, and where it stops."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import TokenBudgetExceededError
from core.provider_errors import ContentRefusedError
from core.settings import get_settings
from core.usage import Usage
from roadmaps import queries as roadmap_queries
from roadmaps.queries import RoadmapView
from tests.factories import ALICE, BOB, events, new_task, pair
from tests.ledger import CONTENTS
from watching import queries
from workflow.budget import Budget
from workflow.ending import Result
from workflow.retry import retry_task
from workflow.runs import run_task

if TYPE_CHECKING:
    import asyncpg

    from llm import Call
    from tests.ledger import LedgerAuthor

PRICES = '{"gpt-4.1-mini": {"input": 1000, "output": 2000}}'


@pytest.fixture(autouse=True)
def priced(settings_env: pytest.MonkeyPatch) -> None:
    """A provider whose prices are known: 0.012 dollars a call."""
    settings_env.setenv("ROADMAP_LLM_PROVIDER", "openai")
    settings_env.setenv("ROADMAP_LLM_PRICES", PRICES)
    get_settings.cache_clear()


async def test_cost_by_call_step_and_task(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Contents, checkpoints and the task keep what they took, failures and retries included."""

    async def refuse(call: Call[Any]) -> None:
        if call.kind == "quiz":
            spent = Usage(calls=2, tokens=10, prompt_tokens=8, completion_tokens=2)
            raise ContentRefusedError(usage=spent)

    author.before = refuse
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    view = await queries.get_task(task, actor=ALICE)
    assert view.usage.model_dump() == {
        "calls": 11,
        "tokens": 90,
        "prompt_tokens": 72,
        "completion_tokens": 18,
        "cost": 0.108,
    }
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    report = await queries.get_usage(task, actor=ALICE)
    assert (report.total.calls, report.total.tokens, report.total.cost) == (15, 110, 0.132)
    took = [(step.step, step.calls, step.tokens, step.cost) for step in report.steps]
    assert took == [
        ("intent_analysis", 1, 10, 0.012),
        ("curriculum_design", 1, 10, 0.012),
        ("structure_validation", 1, 10, 0.012),
        ("content_generation", 12, 80, 0.096),
    ]
    assert view.roadmap_id is not None
    roadmap = RoadmapView.model_validate_json(
        await roadmap_queries.get_roadmap(view.roadmap_id, actor=ALICE)
    )
    quiz = dict(roadmap.stages[0].modules[0].concepts[0].contents)["quiz"]
    assert quiz.usage is not None
    assert (quiz.usage.calls, quiz.usage.cost) == (4, 0.024)
    told = await database.fetchval(
        "SELECT payload->'data'->>'cost' FROM task_events WHERE type = 'content_completed' LIMIT 1"
    )
    assert Decimal(told) == Decimal("0.012")
    with pytest.raises(Exception, match="no task"):
        await queries.get_usage(task, actor=BOB)


async def test_a_step_that_fails_is_paid_for(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """What a failed step took is in the task's sum, with its cost."""

    async def refuse(call: Call[Any]) -> None:
        if call.kind == "curriculum_design":
            spent = Usage(calls=1, tokens=10, prompt_tokens=8, completion_tokens=2)
            raise ContentRefusedError(usage=spent)

    author.before = refuse
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    report = await queries.get_usage(task, actor=ALICE)
    assert (report.total.calls, report.total.tokens, report.total.cost) == (2, 20, 0.024)


async def test_an_unknown_price_is_absent(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """Tokens are counted all the same; the cost is null, in the sum too, and not zero."""
    settings_env.setenv("ROADMAP_LLM_MODEL", "somebody-elses")
    get_settings.cache_clear()
    task = await new_task()
    assert await run_task(task, worker="w") is Result.COMPLETED
    report = await queries.get_usage(task, actor=ALICE)
    assert (report.total.tokens, report.total.cost) == (90, None)
    assert {step.cost for step in report.steps} == {None}


@pytest.mark.parametrize(
    ("budget", "status", "step", "spent"),
    [
        (10, "failed", "curriculum_design", 10),
        (25, "failed", "content_generation", 30),
        (31, "partial_failure", "content_generation", 40),
        (55, "partial_failure", "content_generation", 60),
        (90, "completed", "completed", 90),
    ],
)
async def test_a_budget_stops_cleanly_in_every_phase(
    database: asyncpg.Connection,
    author: LedgerAuthor,
    settings_env: pytest.MonkeyPatch,
    budget: int,
    status: str,
    step: str,
    spent: int,
) -> None:
    """What is there stays usable; no more than the last call's tokens go over; a retry goes on."""
    settings_env.setenv("ROADMAP_MAX_TOKENS_PER_TASK", str(budget))
    get_settings.cache_clear()
    task = await new_task()
    await run_task(task, worker="w")
    assert await pair(database, task) == (status, step)
    view = await queries.get_task(task, actor=ALICE)
    assert view.usage.tokens == spent
    if status == "partial_failure":
        assert {failed.code for failed in view.failed_contents} == {"token_budget_exceeded"}
        assert (await events(database, task))[-1] == "task_partially_failed"
    elif status == "failed":
        assert view.error is not None
        assert view.error.code == "token_budget_exceeded"
    settings_env.setenv("ROADMAP_MAX_TOKENS_PER_TASK", "1000")
    get_settings.cache_clear()
    if status != "completed":
        await retry_task(task, actor=ALICE)
        assert await run_task(task, worker="w") is Result.COMPLETED
    assert set(author.contents().values()) == {1}


async def test_calls_at_once_do_not_overrun_a_budget(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """With sixty contents wanted at once, those that find no room wait instead of beginning."""
    author.titles = [f"T{n}" for n in range(20)]
    settings_env.setenv("ROADMAP_CONTENT_CONCURRENCY", "20")
    settings_env.setenv("ROADMAP_MAX_TOKENS_PER_TASK", "205")
    get_settings.cache_clear()

    async def slowly(call: Call[Any]) -> None:
        if call.kind in CONTENTS:
            await asyncio.sleep(0.01)

    author.before = slowly
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    view = await queries.get_task(task, actor=ALICE)
    assert 205 <= view.usage.tokens <= 215
    assert len(author.asked) == 21


async def test_reservations(settings_env: pytest.MonkeyPatch) -> None:
    """A call that finds no room waits for those that run, and is let in by what they left."""
    settings_env.setenv("ROADMAP_MAX_TOKENS_PER_TASK", "100")
    get_settings.cache_clear()
    budget, order = Budget(Usage(tokens=20)), []

    async def call(name: str, *, expected: int, took: int) -> int | None:
        left = await budget.hold(expected)
        order.append(name)
        await asyncio.sleep(0.01)
        budget.spend(Usage(tokens=took))
        budget.let_go(expected)
        return left

    first = asyncio.create_task(call("first", expected=70, took=10))
    await asyncio.sleep(0)
    second = asyncio.create_task(call("second", expected=30, took=70))
    assert list(await asyncio.gather(first, second)) == [80, 70]
    assert order == ["first", "second"]
    with pytest.raises(TokenBudgetExceededError, match="100 of 100"):
        await call("third", expected=1, took=1)
