"""Group commit: many facts, few transactions, each written once whatever happens to the server."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from core.errors import AppError, LeaseLostError, NotFoundError
from core.ids import new_id
from core.states import Status, Step
from db import recorder
from db.facts import Fact, Insert, Reason
from db.recorder import flush_recorder, observe, record, unobserve
from tests.factories import events, new_task, until
from tests.integration.db.facts import note, told
from workflow.parts import PARTS

if TYPE_CHECKING:
    from uuid import UUID

    from db.facts import Recorded
    from embedded import EmbeddedPostgres
    from tests.integration.db.conftest import Wire


pytestmark = pytest.mark.usefixtures("nothing_pending")


async def numbers(connection: asyncpg.Connection, task: UUID) -> list[int]:
    """Return the numbers of the facts that were told, in order."""
    rows = await connection.fetch(
        "SELECT (payload->'data'->>'number')::int AS n FROM task_events"
        " WHERE task_id = $1 AND type = 'step_started' ORDER BY seq",
        task,
    )
    return [row["n"] for row in rows]


async def test_group_commit(database: asyncpg.Connection) -> None:
    """500 facts at the same time take a handful of transactions, and lose no number."""
    tasks = [await new_task() for _ in range(20)]
    await asyncio.gather(*(record(told(tasks[n % 20], n)) for n in range(500)))
    used = await database.fetchval(
        "SELECT count(DISTINCT xmin::text) FROM task_events WHERE type = 'step_started'"
    )
    assert used <= 5
    for place, task in enumerate(tasks):
        assert await numbers(database, task) == list(range(place, 500, 20))


async def test_a_held_task_holds_up_no_other(database: asyncpg.Connection) -> None:
    """While one batch waits for a task's row, many facts of others are committed, its own later."""
    held, *others = [await new_task() for _ in range(11)]
    await database.execute("BEGIN")
    await database.execute("SELECT 1 FROM roadmap_tasks WHERE task_id = $1 FOR UPDATE", held)
    mine = [asyncio.create_task(record(told(held, 0)))]
    await until(lambda: _waits_for_lock(database), what="the first batch's lock")
    mine += [asyncio.create_task(record(told(held, n))) for n in (1, 2)]
    async with asyncio.timeout(3):
        facts = [told(task, n) for n in range(recorder.MANY // 10) for task in others]
        await asyncio.gather(*map(record, facts))
    assert not any(caller.done() for caller in mine)
    await database.execute("COMMIT")
    await asyncio.gather(*mine)
    assert await numbers(database, held) == [0, 1, 2]
    for task in others:
        assert await numbers(database, task) == list(range(recorder.MANY // 10))


async def test_no_writer_leaves_to_one_that_is_gone(database: asyncpg.Connection) -> None:
    """However many facts come at once, of however few tasks, each is committed, in its order."""
    tasks = [await new_task() for _ in range(3)]
    counts = dict.fromkeys(tasks, 0)
    a_few_left = recorder.LARGEST_BATCH // 6 + 2

    async def some(task: UUID, number: int) -> None:
        facts = [told(task, counts[task] + n) for n in range(number)]
        counts[task] += number
        await asyncio.gather(*map(record, facts))

    async with asyncio.timeout(60):
        for size in (1, recorder.MANY - 1, recorder.MANY, a_few_left, 700) * 3:
            await asyncio.gather(*(some(task, size) for task in tasks for _ in range(2)))
    for task in tasks:
        assert await numbers(database, task) == list(range(counts[task]))


async def test_callers_wait_for_their_commit(database: asyncpg.Connection) -> None:
    """When `record` returns, everybody else can see the fact, and at its number."""
    task = await new_task()
    one_at_a_time = asyncio.Lock()

    async def tell(number: int) -> None:
        recorded = await record(told(task, number))
        async with one_at_a_time:
            seen = await database.fetchval(
                "SELECT payload->'data'->>'number' FROM task_events WHERE task_id=$1 AND seq=$2",
                task,
                recorded.events[0]["seq"],
            )
        assert seen == str(number)

    await asyncio.gather(*(tell(n) for n in range(50)))


async def test_gapless_from_several_loops(database: asyncpg.Connection) -> None:
    """Numbers have no gap and no repeat, also when several loops write to the same 20 tasks."""
    tasks = [await new_task() for _ in range(20)]

    async def write(first: int) -> None:
        from db.engine import dispose_engine

        await asyncio.gather(*(record(told(tasks[n % 20], first + n)) for n in range(100)))
        await flush_recorder()
        await dispose_engine()

    await asyncio.gather(
        write(0),
        *(asyncio.to_thread(asyncio.run, write(first)) for first in (1000, 2000)),
    )
    for task in tasks:
        assert len(await events(database, task)) == 1 + 15
        found = await numbers(database, task)
        for first in (0, 1000, 2000):
            mine = [n for n in found if first <= n < first + 1000]
            assert mine == sorted(mine), "a caller's facts changed their order"


def _unknown_concept(task: UUID) -> Fact:
    values = {
        "content_id": new_id(),
        "roadmap_id": new_id(),
        "concept_id": new_id(),
        "kind": "quiz",
        "version": 1,
        "status": "pending",
        "input_digest": "x",
    }
    return told(task, -1, Insert(PARTS, values))


BAD = {
    "foreign key": (_unknown_concept, DBAPIError),
    "check": (lambda task: told(task, -1, done=1), DBAPIError),
    "NUL": (lambda task: told(task, -1, note(task, message="a\x00b")), DBAPIError),
    "surrogate": (lambda task: told(task, -1, note(task, message="\ud800")), DBAPIError),
    "type": (lambda task: told(task, -1, note(task, user_id=5)), DBAPIError),
    "too large": (lambda task: told(task, -1, changes={"losses": 2**40}), DBAPIError),
    "old epoch": (lambda task: told(task, -1, epoch=3), LeaseLostError),
    "no such task": (lambda _: told(new_id(), -1), NotFoundError),
    "illegal pair": (lambda task: told(task, -1, step=Step.COMPLETED), AppError),
    "illegal move": (
        lambda task: told(task, -1, status=Status.COMPLETED, step=Step.COMPLETED),
        AppError,
    ),
}


@pytest.mark.parametrize("bad", BAD)
async def test_a_bad_fact_fails_alone(database: asyncpg.Connection, bad: str) -> None:
    """One bad fact among many fails by itself, at once and for good; the others are durable."""
    make, error = BAD[bad]
    tasks = [await new_task() for _ in range(5)]
    facts = [told(task, n) for n in range(4) for task in tasks]
    facts.insert(7, make(tasks[2]))
    async with asyncio.timeout(3):
        outcomes = await asyncio.gather(*map(record, facts), return_exceptions=True)
    failed = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Exception)]
    assert failed == [7]
    assert isinstance(outcomes[7], error)
    for task in tasks:
        assert await numbers(database, task) == [0, 1, 2, 3]
        assert len(await events(database, task)) == 5
    assert await database.fetchval("SELECT count(*) FROM notifications") == 0


async def test_rows_of_many_facts_keep_their_order(database: asyncpg.Connection) -> None:
    """Rows that depend on one another are written in their fact's order, whatever the batch."""
    from workflow.ending import Result
    from workflow.runs import run_task

    tasks = [await new_task(goal=f"Learn {n}") for n in range(6)]
    before = recorder.ALONE._value.get()
    results = await asyncio.gather(*(run_task(task, worker="w") for task in tasks))
    assert results == [Result.COMPLETED] * 6
    assert recorder.ALONE._value.get() == before, "a batch failed and its facts went alone"


async def test_observers(database: asyncpg.Connection) -> None:
    """Observers hear of each fact once, after its commit; one that raises harms nobody."""
    heard: list[Recorded] = []

    def raises(_recorded: Recorded) -> None:
        raise RuntimeError("an observer's own fault")

    observe(raises)
    observe(heard.append)
    observe(heard.append)
    try:
        task = await new_task()
        async with asyncio.timeout(5):
            await asyncio.gather(*(record(told(task, n)) for n in range(10)))
    finally:
        unobserve(raises)
        unobserve(heard.append)
    seen = [event["seq"] for recorded in heard for event in recorded.events]
    assert seen == list(range(1, 12))


async def test_cancelled_before_its_batch(database: asyncpg.Connection) -> None:
    """A caller that is cancelled before its batch begins takes its fact back."""
    task = await new_task()
    await database.execute("BEGIN")
    await database.execute("SELECT 1 FROM roadmap_tasks WHERE task_id = $1 FOR UPDATE", task)
    first = asyncio.create_task(record(told(task, 1)))
    await until(lambda: _waits_for_lock(database), what="the first batch's lock")
    second = asyncio.create_task(record(told(task, 2)))
    third = asyncio.create_task(record(told(task, 3)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    await database.execute("COMMIT")
    await asyncio.gather(first, third)
    assert second.cancelled()
    assert await numbers(database, task) == [1, 3]


async def test_cancelled_while_committed(database: asyncpg.Connection) -> None:
    """A caller that is cancelled later does not hinder the commit, nor those it shares it with."""
    task = await new_task()
    await database.execute("BEGIN")
    await database.execute("SELECT 1 FROM roadmap_tasks WHERE task_id = $1 FOR UPDATE", task)
    callers = [asyncio.create_task(record(told(task, n))) for n in range(4)]
    await until(lambda: _waits_for_lock(database), what="the batch's lock")
    callers[1].cancel()
    await asyncio.sleep(0)
    await database.execute("COMMIT")
    await asyncio.gather(*callers, return_exceptions=True)
    assert [caller.cancelled() for caller in callers] == [False, True, False, False]
    assert await numbers(database, task) == [0, 1, 2, 3]


async def _waits_for_lock(connection: asyncpg.Connection) -> bool:
    return bool(
        await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'roadmap-worker' AND wait_event_type = 'Lock'"
        )
    )


async def test_flush(database: asyncpg.Connection) -> None:
    """After a flush nothing is pending, and the next fact begins anew."""
    task = await new_task()
    callers = [asyncio.create_task(record(told(task, n))) for n in range(3)]
    await asyncio.sleep(0)
    await flush_recorder()
    assert await numbers(database, task) == [0, 1, 2]
    await asyncio.gather(*callers)
    await record(told(task, 3))
    assert await numbers(database, task) == [0, 1, 2, 3]


# --- a server that fails ----------------------------------------------------------------------


@pytest.mark.parametrize("lost", [1, 2])
async def test_lost_reply(mortal: EmbeddedPostgres, wire: Wire, lost: int) -> None:
    """A commit whose reply was lost is found to be there, not written again, and heard of once."""
    task = await new_task()
    wire.lose_replies, wire.commits = lost, 0
    heard: list[Recorded] = []
    observe(heard.append)
    try:
        facts = [told(task, n, rings=Reason.RESUME) for n in range(10)]
        outcomes = await asyncio.gather(*map(record, facts))
    finally:
        unobserve(heard.append)
    assert heard == outcomes
    assert {recorded.rings for recorded in heard} == {Reason.RESUME}
    connection = await asyncpg.connect(mortal.url)
    assert await numbers(connection, task) == list(range(10))
    assert len(await events(connection, task)) == 11
    assert [outcome.events[0]["seq"] for outcome in outcomes] == list(range(2, 12))
    assert wire.lose_replies == 0 or wire.commits == 1
    await connection.close()


async def test_commit_that_never_arrived(mortal: EmbeddedPostgres, wire: Wire) -> None:
    """A commit that never reached the server is written again, once."""
    task = await new_task()
    wire.hold_commits = True
    callers = [asyncio.create_task(record(told(task, n))) for n in range(10)]
    await wire.held.wait()
    wire.hold_commits = False
    wire.cut.set()
    await asyncio.gather(*callers)
    connection = await asyncpg.connect(mortal.url)
    assert await numbers(connection, task) == list(range(10))
    await connection.close()


async def test_crash_and_reused_transaction_id(mortal: EmbeddedPostgres, wire: Wire) -> None:
    """A commit that a crash took back is written again, though its id was given to another one."""
    task = await new_task()
    connection = await asyncpg.connect(mortal.url)
    await connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute("CHECKPOINT")
    wire.hold_commits = True
    caller = asyncio.create_task(record(told(task, 1)))
    await wire.held.wait()
    lost_id = await connection.fetchval(
        "SELECT max(backend_xid::text::bigint) FROM pg_stat_activity"
        " WHERE application_name = 'roadmap-worker'"
    )
    assert lost_id is not None
    await _crash(connection)
    connection = await until(lambda: _connected(mortal.url), what="recovery")
    taken = 0
    while taken < lost_id:
        taken = int(await connection.fetchval("SELECT pg_current_xact_id()::text::bigint"))
    assert taken == lost_id, "the crash took nothing back: the test tests nothing"
    fate = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", str(lost_id))
    assert fate == "committed", "by its id the lost commit looks like a good one"
    wire.hold_commits = False
    wire.cut.set()
    await caller
    assert await numbers(connection, task) == [1]
    await connection.execute("ALTER SYSTEM RESET ALL")
    await connection.close()


async def _crash(connection: asyncpg.Connection) -> None:
    """Kill a backend, upon which the server ends all others and recovers from its log."""
    pid = connection.get_server_pid()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: _closed(connection), what="the crash")


async def _closed(connection: asyncpg.Connection) -> bool:
    return connection.is_closed()


async def _connected(url: str) -> Any:
    try:
        return await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError):
        return None


async def test_restart_mid_stream(mortal: EmbeddedPostgres) -> None:
    """A server that is restarted while facts stream costs patience, and not one fact."""
    tasks = [await new_task() for _ in range(5)]
    going = asyncio.Event()

    async def stream(task: UUID) -> None:
        for number in range(60):
            await record(told(task, number))
            if number == 20:
                going.set()

    def restart() -> None:
        mortal.stop()
        mortal.start()

    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(stream(task))
        await going.wait()
        await asyncio.to_thread(restart)
    connection = await asyncpg.connect(mortal.url)
    for task in tasks:
        assert await numbers(connection, task) == list(range(60))
        assert len(await events(connection, task)) == 61
    await connection.close()


async def test_terminated_connections(mortal: EmbeddedPostgres) -> None:
    """Connections that are terminated at any moment cost no fact and repeat none."""
    task = await new_task()
    connection = await asyncpg.connect(mortal.url)
    for number in range(60):
        caller = asyncio.create_task(record(told(task, number)))
        if number % 3 == 0:
            for _ in range(number):  # a little further into the transaction each time
                await asyncio.sleep(0)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'roadmap-worker'"
            )
        await caller
    assert await numbers(connection, task) == list(range(60))
    await connection.close()
