"""However many tasks and events there are, what runs all the time reads its rows by indexes.

The plans are what is looked at, not a clock: each statement is explained with the very values that
it was sent with, over tables that are filled by one statement each.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest

from core.states import Status
from db.raw import raw_transaction
from db.repositories.leases import LOOK, expired, renew
from db.repositories.line import line
from db.repositories.line_bounds import Bounds, bounds
from db.repositories.turns import look, next_in_line
from db.session import AsyncSessionLocal, read_session
from tests.examined import every_statement, rows_examined
from tests.factories import ALICE, a_worker_is_there, new_task, until
from watching.queries import last_hour, queue_state
from watching.queries.events import log_page, log_state
from watching.queries.tasks import get_task, list_tasks
from workflow.audit.examine import examine
from workflow.lease import acquire
from workflow.minutes import note_minute
from workflow.recovery import Queue, look_around, recover
from workflow.review_deadlines import expire, remind
from workflow.upkeep import purge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    import asyncpg

    from tests.examined import Statements

ALL: Final = os.environ.get("FAULTS") == "all"
ENDED, EVENTS = (100_000, 50) if ALL else (10_000, 5)
"""Tasks that are done, and the events of each."""
WAITING: Final = 10_000 if ALL else 3_000
"""Tasks that wait for a time, and as many that wait for a human."""
GROWING: Final = frozenset({"roadmap_tasks", "task_events", "parts", "checkpoints", "reviews"})
_TASKS: Final = """
    INSERT INTO roadmap_tasks (task_id, user_id, goal, title, request, status, current_step,
        workflow_version, request_digest, created_at, started_at, finished_at, percent, last_seq,
        starts_at, deferred_at)
    SELECT gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'alice' ELSE 'user' || n % 200 END,
        'Goal ' || n, 'Title ' || n, '{}', $2, $3, 1, 'd', now() - n * interval '1 second',
        CASE WHEN $2 <> 'pending' THEN now() - n * interval '1 second' END,
        CASE WHEN $2 = 'completed' THEN now() END, CASE WHEN $2 = 'completed' THEN 100 ELSE 0 END,
        $4, CASE WHEN $2 = 'pending' THEN now() + interval '1 day' END,
        CASE WHEN $2 = 'pending' THEN now() END
    FROM generate_series(1, $1::int) n
"""
_FILL: Final = """
    INSERT INTO task_events (task_id, seq, type, payload, created_at)
    SELECT task_id, n, CASE n WHEN last_seq THEN 'task_completed' ELSE 'content_started' END, '{}',
        created_at
    FROM roadmap_tasks, generate_series(1, last_seq) n WHERE status = 'completed';
    INSERT INTO parts (content_id, task_id, step, key, title, kind, version, status, input_digest)
    SELECT gen_random_uuid(), task_id, 'content_generation', 'k', 't', 'quiz', n, 'pending', 'd'
    FROM roadmap_tasks, generate_series(1, 3) n WHERE status = 'completed';
    INSERT INTO checkpoints (task_id, position, step, workflow_version, input_digest, output)
    SELECT task_id, n, 'intent_analysis', 1, 'd', '{}' FROM roadmap_tasks, generate_series(1, 4) n
    WHERE status = 'completed';
    INSERT INTO reviews (review_id, task_id, round, version, status, due_at, decision)
    SELECT gen_random_uuid(), task_id, 1, 1,
        CASE status WHEN 'completed' THEN 'decided' ELSE 'open' END, now() + interval '1 day',
        CASE status WHEN 'completed' THEN 'approve' END
    FROM roadmap_tasks WHERE status IN ('completed', 'human_review_pending');
"""


_VISIBLE: Final = """
    SELECT bool_and(relallvisible > 0.9 * relpages) FROM pg_class
    WHERE relname = ANY($1::text[]) AND relnamespace = 'public'::regnamespace
"""


@pytest.fixture
async def grown(database: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A database in which there is much, and nothing to do."""
    await database.execute("SET session_replication_role = replica")  # no checks of foreign keys
    for count, status, step in (
        (ENDED, Status.COMPLETED, "completed"),
        (WAITING, Status.PENDING, "queued"),
        (WAITING, Status.HUMAN_REVIEW_PENDING, "human_review"),
    ):
        await database.execute(_TASKS, count, status, step, EVENTS)
    await database.execute(_FILL)
    await database.execute("SET session_replication_role = origin")

    async def all_visible() -> bool:
        # a snapshot of somebody else's keeps rows from being read from an index alone
        await database.execute(f"VACUUM ANALYZE {', '.join(GROWING)}")
        return bool(await database.fetchval(_VISIBLE, [*GROWING]))

    await until(all_visible, within_s=60, what="tables whose rows everybody sees")
    await a_worker_is_there(database)
    yield database
    await database.execute(f"TRUNCATE {', '.join(GROWING)} CASCADE")
    await database.execute(f"ANALYZE {', '.join(GROWING)}")


async def read_through(connection: asyncpg.Connection, sent: Statements) -> dict[str, str]:
    """Return the growing tables that a statement reads from one end to the other, and by which."""
    found: dict[str, str] = {}
    for statement, parameters in _read(sent).items():
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
        found |= dict.fromkeys(_whole(plan), statement)
    return found


async def read_through_when_kept(
    connection: asyncpg.Connection, sent: Statements
) -> dict[str, str]:
    """Return the same for the plans that serve any values: a connection may come to keep those."""
    found: dict[str, str] = {}
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    for number, (statement, parameters) in enumerate(_read(sent).items()):
        name = f"kept{number}"
        await connection.execute(f"PREPARE {name} AS {statement}")
        given = f"({', '.join(['NULL'] * len(parameters))})" if parameters else ""
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {name}{given}")
        found |= dict.fromkeys(_whole(plan), statement)
    await connection.execute("RESET plan_cache_mode")
    return found


def _read(sent: Statements) -> dict[str, tuple[Any, ...]]:
    """Return the statements that read rows, with the values of the last time."""
    reading = ("SELECT", "WITH", "UPDATE", "DELETE")
    return {
        statement: given
        for statement, given in sent
        if statement.lstrip().upper().startswith(reading)
    }


def _whole(plan: str) -> set[str]:
    """Return the growing tables that a plan reads through."""
    nodes = [orjson.loads(plan)[0]["Plan"]]
    for node in nodes:  # grows as it is gone through
        nodes += node.get("Plans", ())
    return {n["Relation Name"] for n in nodes if n["Node Type"] == "Seq Scan"} & GROWING


async def test_nothing_that_runs_all_the_time_reads_a_table_through(
    grown: asyncpg.Connection,
) -> None:
    """Claims, heartbeats, sweeps, lists, replay and the audit find their rows by indexes."""
    done: UUID = await grown.fetchval(
        "SELECT task_id FROM roadmap_tasks WHERE status = 'completed' AND user_id = 'alice' LIMIT 1"
    )
    with every_statement() as sent:
        claim = await acquire(await new_task(user="alice"), worker="told")
        assert claim is not None
        async with AsyncSessionLocal() as session:
            await renew(session, [(claim.task_id, claim.epoch)], lease_s=30)
            await expired(session, limit=100)
        assert (await look_around()).open
        await recover(Queue(depth=0))
        await remind()
        await expire()
        await get_task(done, actor=ALICE)
        await list_tasks(actor=ALICE, limit=20)
        await list_tasks(actor=ALICE, statuses=[Status.PENDING], limit=20)
        page, last = await list_tasks(actor=ALICE, limit=20)
        assert len(page) == 20
        await list_tasks(actor=ALICE, before=last, limit=20)
        assert await log_page(done, after=0) is not None
        await log_state(done, after=0, actor=ALICE)
        await queue_state()
        await last_hour()
        await note_minute(None)
        await purge()
        async with read_session() as session:
            await line(session, bounds=bounds())
        async for page_of_audit in examine(after=None):
            assert page_of_audit.tasks
            break
    sent.append((LOOK, (0,)))
    assert any("pg_try_advisory_xact_lock" in statement for statement, _ in sent), "drivers' too"
    assert len(dict(sent)) > 30
    assert await read_through(grown, sent) == {}
    assert await read_through_when_kept(grown, sent) == {}


async def test_a_purge_passes_over_those_that_were_purged(grown: asyncpg.Connection) -> None:
    """What it looks at are the logs that there are, not the tasks that there ever were."""
    young = await grown.fetch(
        "SELECT task_id FROM roadmap_tasks WHERE status = 'completed' LIMIT $1", ENDED // 20
    )
    kept = [row["task_id"] for row in young]
    await grown.execute(
        "UPDATE roadmap_tasks SET finished_at = now() - interval '1 year'"
        " WHERE status = 'completed' AND task_id <> ALL ($1)",
        kept[1:],
    )
    await grown.execute("DELETE FROM task_events WHERE task_id <> ALL ($1)", kept)
    await grown.execute("VACUUM ANALYZE roadmap_tasks, task_events")

    with every_statement() as sent:
        assert (await purge())["events"] == EVENTS
    assert await rows_examined(grown, sent) < ENDED // 5


async def test_those_who_wait_cost_an_idle_worker_nothing(grown: asyncpg.Connection) -> None:
    """Thousands that wait for a time or a human are not looked at, by sweeps or by a claim."""
    await recover(Queue(depth=0))
    task_id, others = await new_task(user="alice"), [await new_task(user="bob") for _ in range(5)]
    few = Bounds(most_active=3, lease_s=30, silent_s=15)
    with every_statement() as sent:
        await recover(Queue(depth=0))
        async with read_session() as session:
            await next_in_line(session, bounds=few, limit=100)
        async with raw_transaction() as raw:
            turn = await look(raw, task_id, bounds=few)
            assert turn is not None
            assert turn.put_off, "alice has begun enough"
            turn = await look(
                raw, others[0], bounds=Bounds(most_active=2**31 - 1, lease_s=30, silent_s=15)
            )
            assert turn is not None
            assert not turn.put_off
    sent.append((LOOK, (0,)))
    assert await rows_examined(grown, [*dict(sent).items()]) < 150
