"""The audit finds what contradicts itself in a real database, and mends what is safe."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import pytest

from core.errors import ContentRefusedError
from core.states import Decision
from roadmaps.audit import RoadmapKind
from roadmaps.requests import ReviewDecision
from tests.factories import ALICE, column, events, kill, new_task, pair, until
from tests.ledger import LedgerAuthor, nothing
from watching.queries import audit_findings
from workflow.audit import Finding, Findings, Kind, audit, examine_all, meanings, repair
from workflow.lease import acquire
from workflow.recovery import Queue, recover
from workflow.runs import run_task
from workflow.schedules import run_job
from workflow.service import cancel_task, decide_review, retry_task
from workflow.upkeep import purge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from llm import Call
    from workflow.doorbell import Ring

APPROVAL = ReviewDecision(decision=Decision.APPROVE)


Healthy = dict[str, list[UUID]]
"""Tasks of each sort, as the workflow itself left them."""

COUNTS = {
    "waiting": 2,
    "running": 5,
    "reviewed": 3,
    "completed": 6,
    "partial": 3,
    "failed": 3,
    "cancelled": 2,
    "retried": 1,
}


async def refuse_quizzes_on_wind(call: Call[Any]) -> None:
    """Fail one content of the roadmap."""
    if call.kind == "quiz" and call.prompt.title == "Wind":
        raise ContentRefusedError


async def refuse_all(_call: Call[Any]) -> None:
    """Fail everything."""
    raise ContentRefusedError


@pytest.fixture
async def healthy(database: asyncpg.Connection, author: LedgerAuthor) -> Healthy:
    """Return a database with tasks in every status; made once, then copied."""
    tables = [
        row["name"]
        for row in await database.fetch(
            "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND relname NOT IN ('alembic_version', 'workflow_steps')"
        )
    ]
    if not await database.fetchval("SELECT to_regnamespace('healthy') IS NOT NULL"):
        made = await make_healthy(author)
        await database.execute("CREATE SCHEMA healthy; CREATE TABLE healthy.made (tasks text)")
        await database.execute("INSERT INTO healthy.made VALUES ($1)", orjson.dumps(made).decode())
        for table in tables:
            await database.execute(f"CREATE TABLE healthy.{table} AS TABLE {table}")
    else:
        copies = (f"INSERT INTO {table} TABLE healthy.{table}" for table in tables)
        await database.execute(
            f"SET session_replication_role = replica; {'; '.join(copies)};"
            " SET session_replication_role = DEFAULT"
        )
    known = orjson.loads(await database.fetchval("SELECT tasks FROM healthy.made"))
    return {which: [UUID(task) for task in tasks] for which, tasks in known.items()}


async def make_healthy(author: LedgerAuthor) -> Healthy:
    """Let the workflow leave tasks in every status."""
    made: Healthy = {
        which: [await new_task(review=which == "reviewed") for _ in range(count)]
        for which, count in COUNTS.items()
    }
    for task in (*made["completed"], *made["reviewed"]):
        await run_task(task, worker="w")
    author.before = refuse_quizzes_on_wind
    for task in (*made["partial"], *made["retried"]):
        await run_task(task, worker="w")
    await retry_task(made["retried"][0], actor=ALICE)
    author.before = refuse_all
    for task in made["failed"]:
        await run_task(task, worker="w")
    for task in (*made["cancelled"], *made["running"]):
        await run_until_quiz(author, task)
    for task in made["cancelled"]:
        await cancel_task(task, actor=ALICE)
    return made


async def run_until_quiz(author: LedgerAuthor, task: UUID) -> None:
    """Let a worker vanish in the middle of a task's contents."""
    stuck = asyncio.Event()

    async def hang(call: Call[Any]) -> None:
        if call.kind == "quiz":
            stuck.set()
            await asyncio.Event().wait()

    author.before = hang
    run = asyncio.create_task(run_task(task, worker="w"))
    await stuck.wait()
    await kill(run)
    author.before = nothing


@asynccontextmanager
async def unguarded(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Take away all constraints for a while, as a restored backup would come past them."""
    constraints = await connection.fetch(
        "SELECT conrelid::regclass::text AS of, conname AS name, pg_get_constraintdef(oid) AS text"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype = 'c'"
    )
    drops = (f"ALTER TABLE {row['of']} DROP CONSTRAINT {row['name']}" for row in constraints)
    adds = (
        f"ALTER TABLE {row['of']} ADD CONSTRAINT {row['name']} {row['text']}" for row in constraints
    )
    await connection.execute("; ".join(drops))
    await connection.execute("SET session_replication_role = replica")  # triggers, foreign keys
    try:
        yield
    finally:
        await connection.execute("SET session_replication_role = DEFAULT")
        await connection.execute("TRUNCATE roadmap_tasks, notifications CASCADE")
        await connection.execute("; ".join(adds))


Case = tuple[str, str, str]


def rounds(cases: list[Case]) -> list[list[tuple[str, str, int, str]]]:
    """Spread cases over as few rounds as there are tasks for: each gets a task of its own."""
    packed: list[list[tuple[str, str, int, str]]] = []
    taken: Counter[str] = Counter()
    for kind, which, corruption in cases:
        number, index = divmod(taken[which], COUNTS[which])
        taken[which] += 1
        if number == len(packed):
            packed.append([])
        packed[number].append((kind, which, index, corruption))
    return packed


def kinds(found: Findings) -> set[str]:
    """Return the kinds that were found."""
    return set(found.counts)


async def test_what_the_workflow_leaves_is_healthy(
    healthy: Healthy, database: asyncpg.Connection
) -> None:
    """Tasks in every status, some with a lost worker, give no finding; a repair changes nothing."""
    found = await examine_all()
    assert (found.kept, found.tasks) == ([], sum(COUNTS.values()))
    statuses = {row["status"] for row in await database.fetch("SELECT status FROM roadmap_tasks")}
    assert len(statuses) == 7, "one of each status"
    before = await database.fetch("SELECT * FROM roadmap_tasks ORDER BY task_id")
    assert await repair(found.kept) == ([], [])
    assert await database.fetch("SELECT * FROM roadmap_tasks ORDER BY task_id") == before


TASKS = "UPDATE roadmap_tasks SET {} WHERE task_id = $1"
EVENTS = "UPDATE task_events SET {} WHERE task_id = $1 AND seq = 2"
CONTENTS = (
    "UPDATE contents SET {} WHERE content_id = (SELECT content_id FROM contents JOIN roadmap_tasks"
    " USING (roadmap_id) WHERE task_id = $1 AND kind = '{}' ORDER BY content_id LIMIT 1)"
)
MENDED: list[Case] = [
    (Kind.ILLEGAL_PAIR, "completed", TASKS.format("current_step = 'resuming'")),
    (Kind.ILLEGAL_PAIR, "running", TASKS.format("current_step = 'completed', lease_until = NULL")),
    (Kind.ILLEGAL_PAIR, "failed", TASKS.format("current_step = 'queued'")),
    (Kind.LAST_SEQ_BEHIND, "running", TASKS.format("last_seq = 3")),
    (RoadmapKind.ROADMAP_LINK, "completed", TASKS.format("roadmap_id = NULL")),
    (RoadmapKind.ROADMAP_LINK, "partial", TASKS.format("roadmap_id = gen_random_uuid()")),
    (Kind.LEASE_ON_IDLE_TASK, "completed", TASKS.format("lease_owner = 'w', lease_until = now()")),
    (Kind.LEASE_ON_IDLE_TASK, "reviewed", TASKS.format("lease_owner = 'w'")),
    (Kind.LEASE_BROKEN, "running", TASKS.format("lease_until = NULL")),
    (Kind.LEASE_BROKEN, "running", TASKS.format("lease_until = now() + interval '9 years'")),
    (Kind.WORKER_SILENT, "running", TASKS.format("lease_until = now() - interval '6 minutes'")),
    (
        Kind.REVIEW_STRAY,
        "completed",
        (
            "INSERT INTO reviews (review_id, task_id, round, version, status, due_at)"
            " VALUES (gen_random_uuid(), $1, 1, 1, 'open', now() + interval '1 day')"
        ),
    ),
    (
        Kind.REVIEW_MISSING,
        "reviewed",
        "UPDATE reviews SET status = 'cancelled' WHERE task_id = $1",
    ),
    (
        Kind.CONTENT_RUNNING_UNATTENDED,
        "cancelled",
        CONTENTS.format("status = 'running'", "quiz"),
    ),
    (Kind.PROGRESS_COUNTS, "completed", TASKS.format("done = 3, total = 5")),
    (Kind.PROGRESS_COUNTS, "running", TASKS.format("done = 6")),
    (Kind.PERCENT, "completed", TASKS.format("percent = 40")),
    (Kind.PERCENT, "partial", TASKS.format("percent = 100")),
    (Kind.PERCENT, "partial", TASKS.format("percent = 'NaN'")),
    (Kind.PERCENT, "running", TASKS.format("percent = 2")),
    (Kind.FINISHED_AT, "failed", TASKS.format("finished_at = NULL")),
    (Kind.FINISHED_AT, "waiting", TASKS.format("finished_at = now()")),
    (
        Kind.WAITING_LONG,
        "waiting",
        TASKS.format("rung_at = now() - interval '2 hours', created_at = now() - interval '1 day'"),
    ),
    (
        Kind.ORPHANED_NOTIFICATION,
        "completed",
        (
            "INSERT INTO notifications (notification_id, user_id, task_id, kind, message) SELECT"
            " gen_random_uuid(), user_id, gen_random_uuid(), 'task_failed', '' FROM roadmap_tasks"
            " WHERE task_id = $1"
        ),
    ),
]


@pytest.mark.parametrize("cases", rounds(MENDED))
async def test_it_mends_what_is_safe(
    healthy: Healthy, database: asyncpg.Connection, cases: list[tuple[str, str, int, str]]
) -> None:
    """Each corruption is found, named and mended, found no more, and no event was invented."""
    log = "SELECT * FROM task_events ORDER BY task_id, seq"
    async with unguarded(database):
        for _, which, index, corruption in cases:
            await database.execute(corruption, healthy[which][index])
        before = await database.fetch(log)
        found = await examine_all()
        mended, left = await repair(found.kept)
        for kind, which, index, corruption in cases:
            task = healthy[which][index]
            assert about(kind, task, found.kept), corruption
            assert about(kind, task, [entry.finding for entry in mended]), corruption
        assert all(entry.did for entry in mended)
        assert left == []
        assert (await examine_all()).kept == []
        assert await database.fetch(log) == before
        assert await repair(found.kept) == ([], []), "a second repair does nothing"


def about(kind: str, task: UUID, findings: list[Finding]) -> list[Finding]:
    """Return the findings of a kind about a task; of an orphan the task is not known."""
    orphan = kind in {Kind.ORPHAN, Kind.ORPHANED_NOTIFICATION}
    return [f for f in findings if f.kind is kind and (orphan or f.key == task)]


async def test_mended_tasks_go_on(
    healthy: Healthy, database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """What was mended is finished by a worker, as if nothing had been."""
    running, reviewed = healthy["running"][0], healthy["reviewed"][0]
    async with unguarded(database):
        lost = TASKS.format("last_seq = 3, lease_until = NULL")
        await database.execute(lost, running)
        await database.execute("DELETE FROM reviews WHERE task_id = $1", reviewed)
        rings.clear()
        await repair((await examine_all()).kept)
        assert {ring.task_id for ring in rings} == {running, reviewed}
        await run_task(running, worker="w2")
        await run_task(reviewed, worker="w2")
        assert await pair(database, running) == ("completed", "completed")
        assert "task_recovered" in await events(database, running)
        assert await pair(database, reviewed) == ("human_review_pending", "human_review")
        review = await database.fetchrow("SELECT * FROM reviews WHERE task_id = $1", reviewed)
        assert review is not None
        assert review["status"] == "open"


EXPLAINED: list[Case] = [
    (Kind.ILLEGAL_PAIR, "failed", TASKS.format("status = 'lost'")),
    (Kind.SEQ_GAP, "running", "DELETE FROM task_events WHERE task_id = $1 AND seq = 2"),
    (Kind.SEQ_GAP, "running", "DELETE FROM task_events WHERE task_id = $1 AND seq < 4"),
    (Kind.SEQ_GAP, "completed", "DELETE FROM task_events WHERE task_id = $1"),
    (Kind.SEQ_GAP, "waiting", TASKS.format("last_seq = 9")),
    (
        Kind.LOG_CONTRADICTS_ROW,
        "completed",
        TASKS.format(
            "status = 'processing', current_step = 'resuming', finished_at = NULL, percent = 10"
        ),
    ),
    (
        Kind.OUTCOME_CONTRADICTS_CONTENTS,
        "completed",
        CONTENTS.format("status = 'running', body = NULL", "quiz"),
    ),
    (
        Kind.OUTCOME_CONTRADICTS_CONTENTS,
        "partial",
        (
            "DELETE FROM contents USING roadmap_tasks t WHERE t.roadmap_id = contents.roadmap_id"
            " AND t.task_id = $1 AND contents.status = 'failed'"
        ),
    ),
    (
        RoadmapKind.CONTENT_ELSEWHERE,
        "completed",
        CONTENTS.format(
            "concept_id = (SELECT concept_id FROM concepts WHERE roadmap_id <> contents.roadmap_id"
            " LIMIT 1), version = 9",
            "quiz",
        ),
    ),
    (
        Kind.CHECKPOINT_GAP,
        "completed",
        "DELETE FROM checkpoints WHERE task_id = $1 AND position = 2",
    ),
    (
        RoadmapKind.OUTLINE_MISSING,
        "completed",
        (
            "DELETE FROM outlines USING roadmap_tasks t WHERE t.roadmap_id = outlines.roadmap_id"
            " AND t.task_id = $1"
        ),
    ),
    (Kind.OWNER_DIFFERS, "completed", "UPDATE roadmaps SET user_id = 'eve' WHERE task_id = $1"),
    (
        Kind.OWNER_DIFFERS,
        "completed",
        "UPDATE notifications SET user_id = 'eve' WHERE task_id = $1",
    ),
    (Kind.COUNTERS, "completed", TASKS.format("epoch = 0")),
    (Kind.COUNTERS, "completed", TASKS.format("epoch = -4")),
    (Kind.COUNTERS, "retried", TASKS.format("attempt = 7")),
    (Kind.COUNTERS, "running", TASKS.format("losses = -1")),
    (Kind.TIMES, "completed", TASKS.format("started_at = created_at - interval '8 hours'")),
    (Kind.TIMES, "completed", TASKS.format("finished_at = now() + interval '8 hours'")),
    (Kind.TIMES, "running", EVENTS.format("created_at = created_at + interval '1 hour'")),
    (
        Kind.TIMES,
        "completed",
        CONTENTS.format("finished_at = started_at - interval '1 hour'", "quiz"),
    ),
    (
        Kind.TIMES,
        "reviewed",
        "UPDATE reviews SET due_at = created_at - interval '1 hour' WHERE task_id = $1",
    ),
    (Kind.REQUEST_SHAPE, "waiting", TASKS.format("""request = '{"goal": 7}'""")),
    (Kind.REQUEST_SHAPE, "failed", TASKS.format("""error = '{"code": "x"}'""")),
    (Kind.EVENT_SHAPE, "running", EVENTS.format("payload = payload - 'progress'")),
    (Kind.EVENT_SHAPE, "running", EVENTS.format("payload = jsonb_set(payload, '{seq}', '7')")),
    (Kind.EVENT_SHAPE, "running", EVENTS.format("type = 'task_invented'")),
    (
        Kind.CHECKPOINT_SHAPE,
        "completed",
        "UPDATE checkpoints SET output = '{}' WHERE task_id = $1 AND position = 3",
    ),
    (
        RoadmapKind.OUTLINE_SHAPE,
        "completed",
        (
            "UPDATE outlines SET outline = '[]' FROM roadmap_tasks t"
            " WHERE t.roadmap_id = outlines.roadmap_id AND t.task_id = $1"
        ),
    ),
    (Kind.CONTENT_SHAPE, "completed", CONTENTS.format("body = '{}'", "tutorial")),
    (
        Kind.CONTENT_SHAPE,
        "completed",
        CONTENTS.format("body = jsonb_set(body, '{questions,0,correct}', '[9]')", "quiz"),
    ),
    (
        Kind.CONTENT_SHAPE,
        "completed",
        CONTENTS.format("body = body #- '{resources,0,verified}'", "resources"),
    ),
    (Kind.REVIEW_SHAPE, "reviewed", "UPDATE reviews SET decision = 'edit' WHERE task_id = $1"),
    (Kind.ORPHAN, "completed", "DELETE FROM roadmap_tasks WHERE task_id = $1"),
    (Kind.ORPHAN, "completed", "DELETE FROM roadmaps WHERE task_id = $1"),
]


@pytest.mark.parametrize("cases", rounds(EXPLAINED))
async def test_it_explains_what_it_cannot_mend(
    healthy: Healthy, database: asyncpg.Connection, cases: list[tuple[str, str, int, str]]
) -> None:
    """What only a human can tell is found and left as it is, with what a human can do."""
    async with unguarded(database):
        for _, which, index, corruption in cases:
            await database.execute(corruption, healthy[which][index])
        found = await examine_all()
        _, left = await repair(found.kept)
        for kind, which, index, corruption in cases:
            assert about(kind, healthy[which][index], found.kept), corruption
            assert about(kind, healthy[which][index], left), corruption
        assert all(finding.detail for finding in left)
        again = await examine_all()
        assert set(again.kept) == set(left)
        assert set((await repair(again.kept))[1]) == set(left)


EVERY = {*Kind, *RoadmapKind}


def test_every_kind_is_tried_and_explained() -> None:
    """There is a meaning for every kind, and a corruption that makes it."""
    assert set(meanings()) == EVERY
    assert {kind for kind, *_ in (*MENDED, *EXPLAINED)} == EVERY
    mended = {kind for kind, meaning in meanings().items() if meaning.mended}
    assert {kind for kind, *_ in MENDED} == mended


async def test_one_bad_task_does_not_hide_another(
    healthy: Healthy, database: asyncpg.Connection
) -> None:
    """Each task is mended on its own; what cannot be mended of one hinders nothing."""
    async with unguarded(database):
        await database.execute(TASKS.format("status = 'lost', done = 1"), healthy["failed"][0])
        await database.execute(TASKS.format("done = 1"), healthy["completed"][0])
        _, left = await repair((await examine_all()).kept)
        assert {finding.key for finding in left} == {healthy["failed"][0]}
        assert await column(database, healthy["completed"][0], "done") == 6


async def test_retention_is_no_contradiction(
    healthy: Healthy, database: asyncpg.Connection
) -> None:
    """Events that were purged are not missed, and a retry counts on from there."""
    await database.execute(
        "UPDATE roadmap_tasks SET finished_at = now() - interval '91 days',"
        " started_at = now() - interval '92 days', created_at = now() - interval '93 days'"
        " WHERE task_id = ANY($1)",
        [healthy["cancelled"][0], healthy["partial"][0]],
    )
    await purge()
    await retry_task(healthy["partial"][0], actor=ALICE)
    assert await events_left(database, healthy["cancelled"][0]) == 0
    assert await events_left(database, healthy["partial"][0]) == 1
    assert kinds(await examine_all()) == set()


async def events_left(connection: asyncpg.Connection, task: UUID) -> int:
    """Return how many events a task has."""
    count = await connection.fetchval("SELECT count(*) FROM task_events WHERE task_id = $1", task)
    return int(count)


async def test_a_busy_database_is_healthy_at_every_moment(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """While workflows run, wait, are lost and recovered, no moment looks like a contradiction."""
    over = False

    async def look_on() -> int:
        looks = 0
        while not over:
            assert (await examine_all()).kept == []
            looks += 1
        return looks

    async def live(number: int) -> None:
        task = await new_task(review=number % 2 == 0)
        await run_task(task, worker="w")
        if number % 2 == 0:
            await decide_review(task, APPROVAL, actor=ALICE)
            await run_task(task, worker="w")
        assert await pair(database, task) == ("completed", "completed")

    looking = asyncio.create_task(look_on())
    await acquire(await new_task(), worker="vanished")
    await database.execute("UPDATE roadmap_tasks SET lease_until = now() - interval '1 minute'")
    for number in range(6):
        await live(number)
        await recover(Queue(depth=0))
    over = True
    assert await looking > 3


async def test_the_job_goes_on_where_it_stopped(
    healthy: Healthy, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run has a budget; the next one goes on after the last task, and the pass adds up."""
    monkeypatch.setattr("workflow.audit.examine.TASKS_AT_A_TIME", 10)
    completed = healthy["completed"][0]
    await database.execute(TASKS.format("done = 0"), completed)
    seen = []
    for _ in range(4):
        outcome = await run_job("audit", lambda: audit(budget_s=0), scheduled=False)
        assert outcome is not None
        seen.append((outcome["complete"], outcome["tasks"]))
    assert seen == [(False, 10), (False, 20), (False, 25), (True, 25)]
    assert outcome is not None
    assert outcome["findings"] == {"progress_counts": 1}
    assert outcome["examples"] == {"progress_counts": [str(completed)]}
    assert await audit_findings() == {"progress_counts": 1}
    await repair((await examine_all()).kept)
    again = await run_job("audit", audit, scheduled=False)
    assert again is not None
    assert (again["complete"], again["tasks"], again["findings"]) == (True, 25, {})
    assert await audit_findings() == {}


async def test_it_locks_nobody_out(healthy: Healthy, database: asyncpg.Connection) -> None:
    """While the audit looks, tasks are locked and written; it waits for none of them either."""
    async with database.transaction():
        await database.execute("SELECT FROM roadmap_tasks FOR UPDATE")
        looking = asyncio.create_task(examine_all())

        async def done() -> bool:
            return looking.done()

        await until(done, within_s=10, what="the audit beside a lock on every task")
    assert (await looking).kept == []
