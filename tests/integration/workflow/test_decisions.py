"""Decisions and cancellations that race, reviews that are due, deliveries of other programs."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from core.actor import SYSTEM
from core.errors import (
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    StaleVersionError,
    TooManyTasksError,
)
from core.settings import get_settings
from db.ledger import lock_tasks
from db.session import transaction
from roadmaps import queries
from roadmaps.requests import ReviewDecision, TaskRequest
from tests.factories import (
    ADMIN,
    ALICE,
    BOB,
    approve,
    column,
    events,
    new_task,
    pair,
)
from tests.ledger import LedgerAuthor, nothing
from workflow import reviews
from workflow.engine import Result
from workflow.lease import acquire
from workflow.review_deadlines import expire, remind
from workflow.runs import run_task
from workflow.service import (
    accept_delivery,
    cancel_task,
    create_task,
    decide_review,
    retry_task,
)

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from llm import Call
    from workflow.doorbell import Ring


async def reviewed(author: LedgerAuthor) -> UUID:
    """Return a task whose review is open."""
    task = await new_task(review=True)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    return task


def decision(**fields: Any) -> ReviewDecision:
    """Return a reviewer's answer."""
    return ReviewDecision.model_validate(fields)


async def test_fifty_approvals(
    database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """Of fifty approvals at once one succeeds; the contents are written once."""
    task = await reviewed(author)
    rings.clear()
    done = await asyncio.gather(*(approve(task) for _ in range(50)), return_exceptions=True)
    assert sum(each is None for each in done) == 1
    assert sum(isinstance(each, ConflictError) for each in done) == 49
    assert len(rings) == 1
    results = await asyncio.gather(*(run_task(task, worker=f"w{n}") for n in range(3)))
    assert sorted(results) == [Result.COMPLETED, Result.NOTHING_TO_DO, Result.NOTHING_TO_DO]
    assert set(author.contents().values()) == {1}
    assert (await events(database, task)).count("review_decided") == 1


async def test_decisions_that_contradict(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Of an approval, a rejection, an edit and a cancellation at once exactly one counts."""
    concept: Any = None
    for _ in range(10):
        task = await reviewed(author)
        concept = await database.fetchval(
            "SELECT concept_id FROM concepts JOIN roadmaps USING (roadmap_id) WHERE task_id = $1",
            task,
        )
        rename = {"op": "rename", "concept_id": str(concept), "title": "Mine"}
        answers = [
            decision(decision="approve"),
            decision(decision="reject", feedback="no"),
            decision(decision="edit", edits=[rename]),
        ]
        done = await asyncio.gather(
            *(decide_review(task, answer, actor=ALICE) for answer in answers),
            return_exceptions=True,
        )
        assert sum(each is None for each in done) == 1
        rows = await database.fetch("SELECT status FROM reviews WHERE task_id = $1", task)
        assert [row["status"] for row in rows] == ["decided"]
        assert (
            await database.fetchval(
                "SELECT count(*) FROM checkpoints WHERE task_id=$1 AND step='human_review'", task
            )
            == 1
        )


async def test_an_edit_may_be_looked_at_again(
    database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """An edit with `then: review` opens another round for the edited version; no worker comes."""
    task = await reviewed(author)
    rings.clear()
    concept = await database.fetchval(
        "SELECT concept_id FROM concepts JOIN roadmaps USING (roadmap_id) WHERE task_id = $1", task
    )
    rename = {"op": "rename", "concept_id": str(concept), "title": "Mine"}
    before = len(await events(database, task))
    await decide_review(
        task, decision(decision="edit", edits=[rename], then="review"), actor=ALICE, version=1
    )
    assert (await events(database, task))[before:] == [
        "review_decided",
        "roadmap_ready",
        "review_required",
    ]
    assert rings == []
    assert await pair(database, task) == ("human_review_pending", "human_review")
    rows = await database.fetch(
        "SELECT round, version, status, decision FROM reviews WHERE task_id = $1 ORDER BY round",
        task,
    )
    assert [tuple(row) for row in rows] == [(1, 1, "decided", "edit"), (2, 2, "open", None)]
    again = await queries.open_review(task, actor=ALICE)
    assert (again.version, again.round) == (2, 2)
    assert again.diff
    assert again.diff[0] | {"to": "Mine", "change": "renamed"} == again.diff[0]
    with pytest.raises(StaleVersionError):
        await decide_review(task, decision(decision="approve"), actor=ALICE, version=1)
    await decide_review(
        task, decision(decision="reject", feedback="shorter"), actor=ALICE, version=2
    )
    assert len(rings) == 1
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await approve(task)
    assert await run_task(task, worker="w") is Result.COMPLETED


def test_then_goes_with_an_edit() -> None:
    """`then` without edits is refused, and so is any other word."""
    for wrong in (
        {"decision": "approve", "then": "review"},
        {"decision": "reject", "feedback": "no", "then": "approve"},
        {"decision": "edit", "edits": [{"op": "remove", "concept_id": str(uuid4())}], "then": "x"},
    ):
        with pytest.raises(ValueError, match="then"):
            decision(**wrong)


async def _under_review(connection: asyncpg.Connection, number: int) -> list[UUID]:
    """Insert tasks whose review is open."""
    rows = await connection.fetch(
        "INSERT INTO roadmap_tasks (task_id, user_id, goal, request, status, current_step,"
        " workflow_version, request_digest) SELECT gen_random_uuid(), 'alice', 'g',"
        " '{\"goal\": \"g\"}', 'human_review_pending', 'human_review', 1, 'd'"
        " FROM generate_series(1, $1) RETURNING task_id",
        number,
    )
    await connection.execute(
        "INSERT INTO reviews (review_id, task_id, round, version, status, due_at)"
        " SELECT gen_random_uuid(), task_id, 1, 1, 'open', now() + interval '1 day'"
        " FROM roadmap_tasks"
    )
    return [row["task_id"] for row in rows]


async def test_cancel_against_approve(database: asyncpg.Connection) -> None:
    """Two hundred times: of a cancellation and an approval one wins, and the pair is legal."""
    tasks = await _under_review(database, 200)
    chance = random.Random(1)

    async def later(work: Any, turns: int) -> BaseException | None:
        for _ in range(turns):
            await asyncio.sleep(0)
        try:
            await work
        except ConflictError as error:
            return error
        return None

    won = {"cancelled": 0, "approved": 0, "approved, then cancelled": 0}
    for start in range(0, 200, 10):
        group = tasks[start : start + 10]
        done = await asyncio.gather(
            *(
                later(work, chance.randrange(20))
                for task in group
                for work in (cancel_task(task, actor=ALICE), approve(task))
            )
        )
        for task, cancelled, approved in zip(group, done[::2], done[1::2], strict=True):
            assert cancelled is None, "a task that goes on can always be cancelled"
            told = await events(database, task)
            assert told.count("task_cancelled") == 1
            assert told[-1] == "task_cancelled"
            if approved is None:
                won["approved, then cancelled"] += 1
                assert await pair(database, task) == ("cancelled", "resuming")
                assert told.count("review_decided") == 1
            else:
                won["cancelled"] += 1
                assert await pair(database, task) == ("cancelled", "human_review")
                assert told.count("review_decided") == 0
            open_reviews = await database.fetchval(
                "SELECT count(*) FROM reviews WHERE task_id = $1 AND status = 'open'", task
            )
            assert open_reviews == 0
    assert won["cancelled"] > 0
    assert won["approved, then cancelled"] > 0


async def test_cancel_against_the_end(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A cancellation at any moment of a run leaves one terminal event, the last."""
    author.titles = ["Only"]
    chance = random.Random(2)
    seen = set()
    for _ in range(40):
        task = await new_task()
        run = asyncio.create_task(run_task(task, worker="w"))
        for _ in range(chance.randrange(1500)):
            await asyncio.sleep(0)
        try:
            await cancel_task(task, actor=ALICE)
            expected = "cancelled"
        except ConflictError:
            expected = "completed"
        await asyncio.wait_for(run, 5)
        assert (await pair(database, task))[0] == expected
        told = await events(database, task)
        ends = [name for name in told if name in {"task_cancelled", "task_completed"}]
        assert ends == [told[-1]] == [f"task_{expected}"]
        seen.add(expected)
    assert "cancelled" in seen


async def test_cancel_everywhere(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Every non-terminal status can be cancelled, a terminal one cannot."""
    pending = await new_task()
    review = await reviewed(author)
    decided = await reviewed(author)
    await approve(decided)
    running = await new_task()
    await acquire(running, worker="w")
    steps = {
        pending: "queued",
        review: "human_review",
        decided: "resuming",
        running: "intent_analysis",
    }
    for task, step in steps.items():
        await cancel_task(task, actor=ALICE)
        assert await pair(database, task) == ("cancelled", step)
        told = await events(database, task)
        assert told[-2:] == ["task_cancel_requested", "task_cancelled"]
        with pytest.raises(ConflictError, match="cancelled already"):
            await cancel_task(task, actor=ALICE)
        assert await run_task(task, worker="w") is Result.NOTHING_TO_DO
    failed = await new_task()
    author.before = _refuse
    await run_task(failed, worker="w")
    with pytest.raises(ConflictError, match="failed already"):
        await cancel_task(failed, actor=ALICE)


async def _refuse(_call: Call[Any]) -> None:
    raise InvalidRequestError


async def test_running_work_stops_in_time(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Running work is cancelled within two seconds, without any message."""
    working = asyncio.Event()

    async def hang(_call: Call[Any]) -> None:
        working.set()
        await asyncio.Event().wait()

    author.before = hang
    task = await new_task()
    run = asyncio.create_task(run_task(task, worker="w"))
    await working.wait()
    await cancel_task(task, actor=ALICE)
    assert await asyncio.wait_for(run, 2) is Result.CANCELLED


async def test_owners(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Somebody else's task does not exist, for whatever is asked; an admin sees all.

    A stranger does not even wait for the row while somebody else has it locked.
    """
    task = await reviewed(author)
    answer = decision(decision="approve")
    async with transaction() as tx:
        await lock_tasks(tx.session, [task])
        for asked in (
            decide_review(task, answer, actor=BOB),
            cancel_task(task, actor=BOB),
            retry_task(task, actor=BOB),
        ):
            with pytest.raises(NotFoundError):
                await asyncio.wait_for(asked, 2)
    assert await pair(database, task) == ("human_review_pending", "human_review")
    await decide_review(task, answer, actor=ADMIN)


async def test_versions(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A decision about another version than the one under review is refused as stale."""
    task = await reviewed(author)
    for version in (0, 2):
        with pytest.raises(StaleVersionError):
            await decide_review(task, decision(decision="approve"), actor=ALICE, version=version)
    await decide_review(task, decision(decision="reject", feedback="x"), actor=ALICE, version=1)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    with pytest.raises(StaleVersionError):
        await approve(task, version=1)
    await approve(task, version=2)


async def test_edits_beside_what_was_wrong(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A reviewer may edit a structure that is still invalid, but not add errors of their own."""
    settings_env.setenv("ROADMAP_MAX_EDIT_ROUNDS", "0")
    get_settings.cache_clear()
    author.titles = ["Kites", "Wind", "Knots"]
    author.prerequisites = {"Kites": ["Wind"], "Wind": ["Kites"]}
    task = await reviewed(author)
    ids = {r["title"]: str(r["concept_id"]) for r in await database.fetch("SELECT * FROM concepts")}
    worse = [{"op": "update", "concept_id": ids["Knots"], "estimated_hours": 200}]
    with pytest.raises(InvalidRequestError, match=r"break the roadmap: .*'Knots' takes 200 hours"):
        await decide_review(task, decision(decision="edit", edits=worse), actor=ALICE)
    rename = [{"op": "rename", "concept_id": ids["Kites"], "title": "Dragons"}]
    await decide_review(task, decision(decision="edit", edits=rename), actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED


# --- reviews that are due ---------------------------------------------------------------------


async def age_reviews(connection: asyncpg.Connection, hours: float) -> None:
    """Let every review be older by so many hours."""
    await connection.execute(
        "UPDATE reviews SET created_at = created_at - $1 * interval '1 hour',"
        " due_at = due_at - $1 * interval '1 hour'",
        hours,
    )


async def test_reminded_once(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A review past half of its time is reminded of once, in log and inbox."""
    task = await reviewed(author)
    assert await remind() == 0
    await age_reviews(database, 13)
    assert sum(await asyncio.gather(*(remind() for _ in range(5)))) == 1
    assert await remind() == 0
    assert (await events(database, task)).count("review_reminder") == 1
    kinds = [row["kind"] for row in await database.fetch("SELECT kind FROM notifications")]
    assert sorted(kinds) == ["review_reminder", "review_required"]
    assert await pair(database, task) == ("human_review_pending", "human_review")


async def test_no_reminder_of_what_was_decided(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Nobody is reminded of a review that was decided or cancelled."""
    approved, cancelled = await reviewed(author), await reviewed(author)
    await age_reviews(database, 13)
    await approve(approved)
    await cancel_task(cancelled, actor=ALICE)
    assert await remind() == 0


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("keep", ("human_review_pending", "human_review")),
        ("approve", ("processing", "resuming")),
        ("cancel", ("cancelled", "human_review")),
    ],
)
async def test_expired(
    database: asyncpg.Connection,
    author: LedgerAuthor,
    settings_env: pytest.MonkeyPatch,
    policy: str,
    expected: tuple[str, str],
) -> None:
    """A review past due is kept, approved or cancelled as REVIEW_ON_EXPIRY says, once."""
    settings_env.setenv("ROADMAP_REVIEW_ON_EXPIRY", policy)
    get_settings.cache_clear()
    due = await reviewed(author)
    await age_reviews(database, 25)
    young = await reviewed(author)
    counted = await asyncio.gather(*(expire() for _ in range(5)))
    assert sum(counted) == (0 if policy == "keep" else 1)
    assert await pair(database, due) == expected
    assert await pair(database, young) == ("human_review_pending", "human_review")
    if policy == "approve":
        by = await database.fetchval("SELECT decided_by FROM reviews WHERE status = 'decided'")
        assert by == "system"
        assert await run_task(due, worker="w") is Result.COMPLETED


async def test_human_is_quicker_than_expiry(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """A task whose review was decided in the last moment is not cancelled after that."""
    task = await reviewed(author)
    await approve(task)
    with pytest.raises(ConflictError, match="decided meanwhile"):
        await cancel_task(task, actor=SYSTEM, reviewed_version=1)
    assert await pair(database, task) == ("processing", "resuming")


# --- requests ---------------------------------------------------------------------------------


async def test_same_request_twice(database: asyncpg.Connection, rings: list[Ring]) -> None:
    """The same key and request is the same task, ten times at once; another request is refused."""
    request = TaskRequest(goal="Learn Rust")
    made = await asyncio.gather(
        *(create_task(request, user_id="alice", idempotency_key="k") for _ in range(10))
    )
    assert len(set(made)) == 1
    assert len(rings) == 1
    assert await database.fetchval("SELECT count(*) FROM roadmap_tasks") == 1
    assert await create_task(request, user_id="bob", idempotency_key="k") not in made
    with pytest.raises(IdempotencyMismatchError):
        await create_task(TaskRequest(goal="Go"), user_id="alice", idempotency_key="k")


async def test_taken_id(database: asyncpg.Connection) -> None:
    """An id that is somebody else's task is refused without a word about it."""
    task = await new_task()
    request = TaskRequest(goal="Learn Rust", review=False)
    assert await create_task(request, user_id="alice", task_id=task) == task
    with pytest.raises(ConflictError):
        await create_task(request, user_id="bob", task_id=task)


async def test_waiting_tasks_are_limited(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A user's waiting tasks are limited, also when all are asked for at once."""
    settings_env.setenv("ROADMAP_USER_MAX_WAITING_TASKS", "3")
    get_settings.cache_clear()
    done = await asyncio.gather(*(new_task() for _ in range(12)), return_exceptions=True)
    made = [each for each in done if not isinstance(each, BaseException)]
    assert len(made) == 3
    assert sum(isinstance(each, TooManyTasksError) for each in done) == 9
    await new_task(user="bob")
    await cancel_task(made[0], actor=ALICE)
    await new_task()


async def test_delivery_without_a_row(
    database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """A message of another program makes the row; ten at once make one, and ring for nobody."""
    task = uuid4()
    request = {"goal": "Learn Rust", "review": False}
    done = await asyncio.gather(
        *(accept_delivery(task, user_id="alice", request=request) for _ in range(10))
    )
    assert all(done)
    assert rings == []
    results = await asyncio.gather(*(run_task(task, worker="w") for _ in range(10)))
    assert results.count(Result.COMPLETED) == 1
    told = await events(database, task)
    assert (told.count("task_queued"), told.count("task_completed")) == (1, 1)


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"goal": ""},
        {"goal": "a\x00b"},
        {"goal": "a\ud800b"},
        {"goal": {"deep": "\ud800"}},
        {"goal": "x" * 5000},
        {"goal": "x", "preferences": {"level": "expert"}},
        {"goal": "x", "colour\x00\ud800": 1},
        "Learn Rust",
        ["x"],
        5,
    ],
)
async def test_delivery_of_an_invalid_request(database: asyncpg.Connection, request_: Any) -> None:
    """An invalid request gets a failed row that says why, once; retrying it is refused."""
    task = uuid4()
    done = await asyncio.gather(
        *(accept_delivery(task, user_id="alice", request=request_) for _ in range(3))
    )
    assert done.count(False) >= 1
    assert await pair(database, task) == ("failed", "intent_analysis")
    error = await database.fetchrow(
        "SELECT error->>'code' AS code, error->>'message' AS message FROM roadmap_tasks"
    )
    assert error is not None
    assert error["code"] == "invalid_request"
    assert "not valid" in error["message"]
    assert await events(database, task) == ["task_queued", "task_failed"]
    with pytest.raises(ConflictError, match="not valid"):
        await retry_task(task, actor=ALICE)
    assert await column(database, task, "attempt") == 1


async def test_delivery_of_a_known_task(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A message for a task that is there changes nothing, whatever request it bears."""
    task = await new_task()
    assert await accept_delivery(task, user_id="mallory", request={"goal": ""})
    assert await column(database, task, "user_id") == "alice"
    author.before = nothing
    assert await events(database, task) == ["task_queued"]


async def test_database_hiccup_at_the_review(
    database: asyncpg.Connection, author: LedgerAuthor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that are lost while a review is opened cost another try, not the task."""
    left = 2

    async def cut_first(session: Any, task_ids: Any) -> Any:
        nonlocal left
        if left:
            left -= 1
            await session.connection()
            await database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'roadmap-worker'"
            )
        return await lock_tasks(session, task_ids)

    monkeypatch.setattr(reviews, "lock_tasks", cut_first)
    task = await reviewed(author)
    assert left == 0
    assert (await events(database, task)).count("review_required") == 1
