"""Going on where somebody stopped: nothing is done twice, nothing is forgotten."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from core.errors import ConflictError, ContentRefusedError, ProviderUnavailableError
from core.settings import get_settings
from core.states import Decision
from roadmaps.inputs import CallKind
from roadmaps.regeneration import regenerate
from roadmaps.requests import ReviewDecision
from tests.factories import (
    ALICE,
    approve,
    column,
    events,
    expire_lease,
    kill,
    new_task,
    pair,
    until,
)
from tests.ledger import CONTENTS, STRUCTURE, LedgerAuthor, nothing
from workflow.engine import Result
from workflow.recovery import recover
from workflow.runs import run_task
from workflow.service import cancel_task, decide_review, retry_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    import asyncpg

    from llm import Call

ALL_CALLS = len(STRUCTURE) + 2 * len(CONTENTS)


async def contents(connection: asyncpg.Connection) -> dict[tuple[str, str, int], Any]:
    """Return the contents by title, kind and version."""
    rows = await connection.fetch(
        "SELECT c.*, k.title, k.removed FROM contents c JOIN concepts k USING (concept_id)"
    )
    return {(row["title"], row["kind"], row["version"]): row for row in rows}


async def committed(connection: asyncpg.Connection) -> int:
    """Return how many steps and contents are there for good."""
    found = await connection.fetchval(
        "SELECT (SELECT count(*) FROM checkpoints)"
        " + (SELECT count(*) FROM contents WHERE status = 'completed')"
    )
    return int(found)


@asynccontextmanager
async def stuck_at_call(
    number: int, connection: asyncpg.Connection, author: LedgerAuthor, task: UUID
) -> AsyncIterator[asyncio.Task[Result]]:
    """Run a task whose author answers until the nth call of the run; yield when all is settled."""
    calls = itertools.count(1)
    reached = asyncio.Event()
    settled = await committed(connection) + number - 1

    async def before(_call: Call[Any]) -> None:
        if next(calls) >= number:
            reached.set()
            await asyncio.Event().wait()

    async def is_settled() -> bool:
        return await committed(connection) == settled

    author.before = before
    run = asyncio.create_task(run_task(task, worker="doomed"))
    await asyncio.wait_for(reached.wait(), 60)
    await until(is_settled, what="the commits of what was answered")
    author.before = nothing
    yield run


async def run_until_call(
    number: int, connection: asyncpg.Connection, author: LedgerAuthor, task: UUID
) -> None:
    """Run a task and kill the run abruptly at the author's nth call, all before it committed."""
    async with stuck_at_call(number, connection, author, task) as run:
        await kill(run)


def fails_for(title: str, error: type[Exception] = ContentRefusedError) -> Any:
    """Return what makes an author fail for one concept."""

    async def before(call: Call[Any]) -> None:
        if call.prompt.title == title:
            raise error

    return before


async def percent_is_honest(connection: asyncpg.Connection, task: UUID) -> None:
    """Check over all events: it never falls within an attempt, and is 100 at `completed` only."""
    rows = await connection.fetch(
        "SELECT type, payload FROM task_events WHERE task_id = $1 ORDER BY seq", task
    )
    last = 0.0
    for row in rows:
        told = orjson.loads(row["payload"])
        value = told["progress"]["percent"]
        if row["type"] == "task_retried":
            last = 0.0
        assert value >= last, f"{row['type']}: {last} → {value}"
        assert (value == 100) == (row["type"] == "task_completed")
        assert 0 <= told["progress"]["done"] <= max(told["progress"]["total"], 0)
        last = value


@pytest.mark.parametrize("number", range(1, ALL_CALLS + 1))
async def test_killed_at_each_call(
    database: asyncpg.Connection, author: LedgerAuthor, number: int
) -> None:
    """Killed at whatever call, a task is completed by the next worker, and nothing is redone.

    What was committed is never asked for again; only what was being written is.
    """
    task = await new_task()
    await run_until_call(number, database, author, task)
    assert await committed(database) == number - 1
    steps = [row["step"] for row in await database.fetch("SELECT step FROM checkpoints")]
    before = await contents(database)
    await expire_lease(database, task)
    assert (await recover(None)).recovered == 1
    assert await run_task(task, worker="w") is Result.COMPLETED
    after = await contents(database)
    asked = [kind for kind, _ in author.asked]
    for step in steps:
        assert asked.count(CallKind(step)) == 1, f"{step} was done again"
    done = {key for key, row in before.items() if row["status"] == "completed"}
    for title, kind, version in done:
        assert author.asked.count((kind, title)) == 1, f"{kind} was written again"
        assert after[title, kind, version] == before[title, kind, version]
    assert len(after) == 6
    assert {row["status"] for row in after.values()} == {"completed"}
    assert await column(database, task, "done") == 6
    await percent_is_honest(database, task)


async def test_killed_again_and_again(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """Killed at every call in turn, a task still comes to its end, each content written once."""
    settings_env.setenv("ROADMAP_CONTENT_CONCURRENCY", "1")
    get_settings.cache_clear()
    author.titles = ["Only"]
    task = await new_task()
    for _ in range(5):
        await run_until_call(2, database, author, task)
        await expire_lease(database, task)
    await run_task(task, worker="w")
    assert await pair(database, task) == ("completed", "completed")
    assert len(await contents(database)) == 3
    told = await events(database, task)
    assert told.count("content_completed") == 3
    assert told.count("task_completed") == 1
    await percent_is_honest(database, task)


async def test_spent_is_remembered(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Calls and tokens of all runs add up in the row."""
    task = await new_task()
    await run_until_call(3, database, author, task)
    await expire_lease(database, task)
    await run_task(task, worker="w")
    assert await column(database, task, "calls") == ALL_CALLS
    assert await column(database, task, "tokens") == ALL_CALLS * author.tokens


# --- contents and their digests ---------------------------------------------------------------


async def test_edit_elsewhere(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """After a rejection only what was touched is made of other inputs; the rest keeps its ids."""
    author.titles = ["Kites", "Wind", "Knots"]
    author.prerequisites = {"Wind": ["Kites"], "Knots": ["Wind"]}
    task = await new_task(review=True)
    await run_task(task, worker="w")
    first = {r["title"]: r for r in await database.fetch("SELECT * FROM concepts")}
    author.operations = [
        {"op": "update", "concept": "C2", "description": "Changed."},
        {"op": "remove", "concept": "C1"},
    ]
    await decide_review(
        task, ReviewDecision(decision=Decision.REJECT, feedback="less"), actor=ALICE, version=1
    )
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    second = {r["title"]: r for r in await database.fetch("SELECT * FROM concepts")}
    assert {t: r["concept_id"] for t, r in first.items()} == {
        t: r["concept_id"] for t, r in second.items()
    }
    assert second["Kites"]["removed"]
    assert second["Wind"]["description"] == "Changed."
    assert second["Wind"]["prerequisites"] == []
    assert dict(second["Knots"]) == dict(first["Knots"]) | {"position": 1}
    await approve(task, version=2)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert {title for title, _, _ in await contents(database)} == {"Wind", "Knots"}
    assert set(author.contents().values()) == {1}
    await percent_is_honest(database, task)


async def test_only_touched_contents_are_stale(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """A concept whose inputs changed after its contents were written gets new versions, no other.

    There is no road to this through the API today; the digest must hold for every road to come.
    """
    task = await new_task()
    await run_task(task, worker="w")
    before = await contents(database)
    row = await database.fetchrow("SELECT roadmap_id, outline FROM outlines")
    assert row is not None
    await database.execute(
        "UPDATE outlines SET outline = replace(outline::text, 'About Wind.', 'All of it.')::jsonb"
    )
    concept = await database.fetchval("SELECT concept_id FROM concepts WHERE title = 'Kites'")
    await regenerate(row["roadmap_id"], concept, ["quiz"], actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    after = await contents(database)
    assert {key: after[key] for key in before} == before, "an old version was touched"
    assert set(after) - set(before) == {
        ("Wind", "tutorial", 2),
        ("Wind", "resources", 2),
        ("Wind", "quiz", 2),
        ("Kites", "quiz", 2),
    }


async def test_regenerate(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Regenerating makes version n + 1 of what was named; the old version stays as it was."""
    task = await new_task()
    await run_task(task, worker="w")
    before = await contents(database)
    roadmap = await column(database, task, "roadmap_id")
    concept = await database.fetchval("SELECT concept_id FROM concepts WHERE title = 'Kites'")
    kinds = ["tutorial", "tutorial"]
    assert await regenerate(roadmap, concept, kinds, actor=ALICE) == task
    assert await pair(database, task) == ("processing", "resuming")
    assert await column(database, task, "done") == 5
    with pytest.raises(ConflictError):
        await regenerate(roadmap, concept, kinds, actor=ALICE)
    during = await contents(database)
    assert {key: during[key] for key in before} == before
    assert await run_task(task, worker="w") is Result.COMPLETED
    after = await contents(database)
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) == {("Kites", "tutorial", 2)}
    old, new = after["Kites", "tutorial", 1]["body"], after["Kites", "tutorial", 2]["body"]
    assert old != new
    assert author.contents()["tutorial", "Kites"] == 2
    assert sum(author.contents().values()) == 7
    assert await column(database, task, "percent") == 100
    await percent_is_honest(database, task)


async def test_regenerate_that_fails(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A regeneration that fails leaves the old version readable; a retry makes the new one."""
    task = await new_task()
    await run_task(task, worker="w")
    before = await contents(database)
    roadmap = await column(database, task, "roadmap_id")
    concept = await database.fetchval("SELECT concept_id FROM concepts WHERE title = 'Kites'")
    author.before = fails_for("Kites")
    await regenerate(roadmap, concept, ["quiz"], actor=ALICE)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    after = await contents(database)
    assert {key: after[key] for key in before} == before
    assert after["Kites", "quiz", 2]["status"] == "failed"
    author.before = nothing
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert (await contents(database))["Kites", "quiz", 2]["status"] == "completed"
    await percent_is_honest(database, task)


async def test_regenerate_a_failed_content(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Regenerating what failed tries that version again, since there is none to keep."""
    author.before = fails_for("Kites")
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    author.before = nothing
    roadmap = await column(database, task, "roadmap_id")
    concept = await database.fetchval("SELECT concept_id FROM concepts WHERE title = 'Kites'")
    await regenerate(roadmap, concept, ["quiz"], actor=ALICE)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    found = await contents(database)
    assert {key: row["status"] for key, row in found.items() if key[0] == "Kites"} == {
        ("Kites", "quiz", 1): "completed",
        ("Kites", "tutorial", 1): "failed",
        ("Kites", "resources", 1): "failed",
    }


# --- retry ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STRUCTURE)
async def test_retry_of_a_failed_step(
    database: asyncpg.Connection, author: LedgerAuthor, kind: str
) -> None:
    """A failed task says at which step, and a retry goes on exactly there."""

    async def before(call: Call[Any]) -> None:
        if call.kind == kind:
            raise ProviderUnavailableError

    author.before = before
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert await pair(database, task) == ("failed", str(kind))
    error = await database.fetchrow(
        "SELECT error->>'code' AS code, error->>'step' AS step FROM roadmap_tasks"
    )
    assert error is not None
    assert (error["code"], error["step"]) == ("provider_unavailable", str(kind))
    author.before = nothing
    await retry_task(task, actor=ALICE)
    assert await column(database, task, "error") is None
    assert await column(database, task, "attempt") == 2
    assert await run_task(task, worker="w") is Result.COMPLETED
    for step in STRUCTURE:
        assert author.answered.count((step, "")) == 1
    told = await events(database, task)
    assert told.count("task_started") == told.count("task_retried") == 1
    await percent_is_honest(database, task)


async def test_retry_of_a_partial_failure(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Only what failed is written again, and percent starts from what is done."""
    author.before = fails_for("Wind")
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    before = await contents(database)
    author.before = nothing
    await retry_task(task, actor=ALICE)
    assert await column(database, task, "percent") == 55.0
    assert await run_task(task, worker="w") is Result.COMPLETED
    after = await contents(database)
    for key, row in before.items():
        assert (after[key] == row) == (row["status"] == "completed")
    assert set(author.contents().values()) == {1}
    await percent_is_honest(database, task)


async def test_one_concept_counts_once(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Three failed contents of one concept neither abort the task nor count thrice."""
    author.titles = [f"T{n}" for n in range(6)]
    author.before = fails_for("T3")
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    row = await database.fetchrow(
        "SELECT payload->'data' AS data FROM task_events WHERE type = 'task_partially_failed'"
    )
    assert row is not None
    assert row["data"] == '{"failed": 3, "completed": 15}'
    assert (await events(database, task)).count("concept_completed") == 5


async def test_failed_twice(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A second failure of the same contents is told again, under the same version."""
    author.before = fails_for("Wind")
    task = await new_task()
    await run_task(task, worker="w")
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    assert len(await contents(database)) == 6
    assert (await events(database, task)).count("task_partially_failed") == 2
    await percent_is_honest(database, task)


@pytest.mark.parametrize("number", range(1, ALL_CALLS + 1))
async def test_cancelled_at_each_call_and_retried(
    database: asyncpg.Connection, author: LedgerAuthor, number: int
) -> None:
    """Cancelled at whatever call the work stops by itself; a retry redoes nothing."""
    task = await new_task()
    async with stuck_at_call(number, database, author, task) as run:
        status, step = await pair(database, task)
        await cancel_task(task, actor=ALICE)
        assert status == "processing"
        assert await pair(database, task) == ("cancelled", step)
        assert await asyncio.wait_for(run, 5) is Result.CANCELLED
    rows = await contents(database)
    assert "running" not in {row["status"] for row in rows.values()}, "a zombie"
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert max(author.counts().values()) == 1
    assert (await events(database, task)).count("task_cancelled") == 1
    await percent_is_honest(database, task)


@pytest.mark.parametrize("status", ["pending", "processing", "human_review_pending", "completed"])
async def test_retry_of_what_has_not_failed(
    database: asyncpg.Connection, author: LedgerAuthor, status: str
) -> None:
    """Only what failed, failed partly or was cancelled can be retried."""
    task = await new_task(review=status == "human_review_pending")
    if status != "pending":
        await run_task(task, worker="w")
    if status == "processing":
        await regenerate(
            await column(database, task, "roadmap_id"),
            await database.fetchval("SELECT concept_id FROM concepts LIMIT 1"),
            ["quiz"],
            actor=ALICE,
        )
    assert (await pair(database, task))[0] == status
    before = await events(database, task)
    with pytest.raises(ConflictError):
        await retry_task(task, actor=ALICE)
    assert await events(database, task) == before


async def test_two_retries_at_once(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Of ten retries at the same moment one begins the next attempt."""
    author.before = fails_for("Wind")
    task = await new_task()
    await run_task(task, worker="w")
    done = await asyncio.gather(
        *(retry_task(task, actor=ALICE) for _ in range(10)), return_exceptions=True
    )
    assert sum(each is None for each in done) == 1
    assert sum(isinstance(each, ConflictError) for each in done) == 9
    assert await column(database, task, "attempt") == 2


# --- structure loops --------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 2])
async def test_edits_of_an_invalid_structure(
    database: asyncpg.Connection,
    author: LedgerAuthor,
    settings_env: pytest.MonkeyPatch,
    limit: int,
) -> None:
    """An invalid structure is edited MAX_EDIT_ROUNDS times, then shown to the human as it is."""
    settings_env.setenv("ROADMAP_MAX_EDIT_ROUNDS", str(limit))
    get_settings.cache_clear()
    author.prerequisites = {"Kites": ["Wind"], "Wind": ["Kites"]}
    task = await new_task(review=True)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert author.answered.count((CallKind.ROADMAP_EDIT, "")) == limit
    assert await database.fetchval("SELECT version FROM roadmaps") == limit + 1
    assert author.answered.count((CallKind.STRUCTURE_VALIDATION, "")) == 0, "rules were enough"


async def test_edit_that_leaves_nothing(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A model that edits every concept away fails the step instead of completing nothing."""
    author.prerequisites = {"Kites": ["Wind"], "Wind": ["Kites"]}
    author.operations = [{"op": "remove", "concept": "C1"}, {"op": "remove", "concept": "C2"}]
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert await pair(database, task) == ("failed", "roadmap_edit")
    author.operations = [{"op": "update", "concept": "C2", "prerequisites": []}]
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED


# --- limits -----------------------------------------------------------------------------------


async def test_step_timeout(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A step that takes too long is cancelled and fails with its class."""
    settings_env.setenv("ROADMAP_STEP_TIMEOUT_S", "0.2")
    get_settings.cache_clear()
    ended: list[str] = []

    async def hang(call: Call[Any]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(call.kind)

    author.before = hang
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert await pair(database, task) == ("failed", "intent_analysis")
    assert await database.fetchval("SELECT error->>'code' FROM roadmap_tasks") == "step_timeout"
    assert ended == ["intent_analysis"]


async def test_content_timeout(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A content that takes too long fails alone; the others are written."""
    settings_env.setenv("ROADMAP_STEP_TIMEOUT_S", "0.5")
    get_settings.cache_clear()

    async def hang(call: Call[Any]) -> None:
        if call.kind == "quiz" and call.prompt.title == "Wind":
            await asyncio.Event().wait()

    author.before = hang
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    found = await contents(database)
    failed = {key: row["error"] for key, row in found.items() if row["status"] == "failed"}
    assert set(failed) == {("Wind", "quiz", 1)}
    assert "step_timeout" in failed["Wind", "quiz", 1]


async def test_task_timeout(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A run that takes too long is cancelled and drained; its task fails, a retry goes on."""
    settings_env.setenv("ROADMAP_TASK_TIMEOUT_S", "1")
    get_settings.cache_clear()
    ended: list[str] = []

    async def hang(call: Call[Any]) -> None:
        if call.kind == "quiz":
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(call.kind)

    author.before = hang
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert ended == ["quiz", "quiz"], "something still runs"
    assert await pair(database, task) == ("failed", "content_generation")
    assert await database.fetchval("SELECT error->>'code' FROM roadmap_tasks") == "task_timeout"
    statuses = [row["status"] for row in (await contents(database)).values()]
    assert sorted(statuses) == ["completed"] * 4 + ["pending"] * 2
    author.before = nothing
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert set(author.contents().values()) == {1}


async def test_token_budget(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A task that used up its tokens stops there and says so; with more a retry goes on."""
    settings_env.setenv("ROADMAP_MAX_TOKENS_PER_TASK", "20")
    get_settings.cache_clear()
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert await pair(database, task) == ("failed", "structure_validation")
    code = await database.fetchval("SELECT error->>'code' FROM roadmap_tasks")
    assert code == "token_budget_exceeded"
    assert await column(database, task, "tokens") == 20
    assert len(author.asked) == 2
    settings_env.setenv("ROADMAP_MAX_TOKENS_PER_TASK", "1000")
    get_settings.cache_clear()
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED


async def test_concurrency_limit(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """No more than CONTENT_CONCURRENCY concepts are written, or told to run, at a time."""
    settings_env.setenv("ROADMAP_CONTENT_CONCURRENCY", "2")
    get_settings.cache_clear()
    author.titles = [f"T{n}" for n in range(8)]
    most = 0
    busy = asyncio.Lock()

    async def before(call: Call[Any]) -> None:
        nonlocal most
        if call.kind in CONTENTS:
            async with busy:
                running = await database.fetchval(
                    "SELECT count(DISTINCT concept_id) FROM contents WHERE status = 'running'"
                )
                most = max(most, running)

    author.before = before
    task = await new_task()
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert most == 2
