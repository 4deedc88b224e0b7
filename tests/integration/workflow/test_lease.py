"""Who works on a task: one at a time, renewed together, fenced off in every write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
from sqlalchemy import event

from core.settings import get_settings
from db.engine import get_engine
from db.repositories.leases import renew
from db.session import AsyncSessionLocal
from roadmaps.inputs import CallKind
from tests.factories import (
    ALICE,
    approve,
    close_loop,
    column,
    events,
    expire_lease,
    kill,
    new_task,
    pair,
    until,
)
from tests.integration.workflow.stealing import everything, freed, taken_over
from tests.ledger import CONTENTS, LedgerAuthor, nothing
from workflow.ending import Result
from workflow.heartbeat import keeper, stop_keeping
from workflow.lease import Claim, Stop, acquire
from workflow.recovery import recover
from workflow.runs import run_task
from workflow.service import cancel_task

if TYPE_CHECKING:
    import pytest

    from llm import Call


async def test_fifty_double_deliveries(database: asyncpg.Connection) -> None:
    """Of two deliveries at the same moment exactly one gets the task, fifty times."""
    tasks = [await new_task() for _ in range(50)]
    claims = await asyncio.gather(
        *(acquire(task, worker=f"w{n}") for task in tasks for n in range(2))
    )
    for task, first, second in zip(tasks, claims[::2], claims[1::2], strict=True):
        assert (first is None) != (second is None)
        assert await column(database, task, "epoch") == 1
        assert (await events(database, task)).count("task_started") == 1


async def test_late_and_early_deliveries(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """A delivery for a task that waits, has ended or is not there does nothing at all."""
    assert await run_task(uuid4(), worker="w") is Result.NOTHING_TO_DO
    task = await new_task(review=True)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    waiting = await everything(database)
    assert await run_task(task, worker="w") is Result.NOTHING_TO_DO
    assert await everything(database) == waiting
    await approve(task)
    assert await run_task(task, worker="w") is Result.COMPLETED
    done = await everything(database)
    assert await run_task(task, worker="w") is Result.NOTHING_TO_DO
    assert await everything(database) == done


async def test_delivery_while_another_works(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """A delivery for a task that somebody works on is left alone."""
    task = await new_task()
    working, go_on = asyncio.Event(), asyncio.Event()

    async def before(_call: Call[Any]) -> None:
        working.set()
        await go_on.wait()

    author.before = before
    run = asyncio.create_task(run_task(task, worker="w"))
    await working.wait()
    assert await run_task(task, worker="v") is Result.NOTHING_TO_DO
    assert await column(database, task, "lease_owner") == "w"
    go_on.set()
    assert await run is Result.COMPLETED


async def test_unknown_version(database: asyncpg.Connection) -> None:
    """A task of a workflow version that this worker does not know waits for a newer worker."""
    task = await new_task()
    await database.execute("UPDATE roadmap_tasks SET workflow_version = 99")
    before = await database.fetchrow("SELECT * FROM roadmap_tasks")
    assert await run_task(task, worker="w") is Result.NOTHING_TO_DO
    assert await database.fetchrow("SELECT * FROM roadmap_tasks") == before


async def test_stored_request_that_does_not_fit(database: asyncpg.Connection) -> None:
    """A stored request that cannot be read fails its task instead of being rung for ever."""
    task = await new_task()
    await database.execute("""UPDATE roadmap_tasks SET request = '{"goal": ""}'""")
    assert await run_task(task, worker="w") is Result.NOTHING_TO_DO
    assert await pair(database, task) == ("failed", "intent_analysis")
    assert await database.fetchval("SELECT error->>'code' FROM roadmap_tasks") == "invalid_request"


async def _claims(number: int) -> list[Claim]:
    claims = [await acquire(await new_task(), worker="w") for _ in range(number)]
    return [claim for claim in claims if claim is not None]


async def test_one_statement_for_all(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """However many tasks a process holds, a heartbeat is one statement."""
    settings_env.setenv("ROADMAP_LEASE_S", "0.5")
    get_settings.cache_clear()
    claims = await _claims(20)
    statements: list[str] = []
    sync_engine = get_engine().sync_engine

    def count(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(sync_engine, "before_cursor_execute", count)
    before = {c.task_id: await column(database, c.task_id, "lease_until") for c in claims}
    for claim in claims:
        keeper().keep(claim)

    async def all_renewed() -> bool:
        return all(
            [await column(database, c.task_id, "lease_until") > before[c.task_id] for c in claims]
        )

    await until(all_renewed, what="renewed leases")
    for claim in claims:
        keeper().drop(claim)
    beats = [statement for statement in statements if "unnest" in statement]
    assert beats == statements, "something else was asked"
    assert 0 < len(beats) <= 40
    assert not any(claim.stopped.is_set() for claim in claims)


async def test_renewed_by_the_databases_clock(database: asyncpg.Connection) -> None:
    """A lease ends so many seconds after the database's time; only one that is due is renewed."""
    (claim,) = await _claims(1)
    held = [(claim.task_id, claim.epoch)]
    first = await column(database, claim.task_id, "lease_until")
    async with AsyncSessionLocal() as session:
        assert await renew(session, held, lease_s=30) == {}
        await session.commit()
    assert await column(database, claim.task_id, "lease_until") == first, "it was not due"
    await database.execute("UPDATE roadmap_tasks SET lease_until = now() + interval '19 s'")
    before = await database.fetchval("SELECT clock_timestamp()")
    async with AsyncSessionLocal() as session:
        assert await renew(session, held, lease_s=30) == {}
        await session.commit()
    renewed = await column(database, claim.task_id, "lease_until")
    assert 30 <= (renewed - before).total_seconds() < 32


async def test_heartbeat_tells_what_is_lost(database: asyncpg.Connection) -> None:
    """A heartbeat tells what was taken over, cancelled, freed or never there; the rest is kept."""
    claims = await _claims(5)
    await taken_over(database, claims[1].task_id)
    await cancel_task(claims[2].task_id, actor=ALICE)
    await freed(database, claims[3].task_id)
    stranger = uuid4()
    held = [(claim.task_id, claim.epoch) for claim in claims]
    async with AsyncSessionLocal() as session:
        lost = await renew(session, [*held, (stranger, 1)], lease_s=30)
    taken = [*(claims[n].task_id for n in (1, 2, 3)), stranger]
    assert lost == dict.fromkeys(taken, False)


async def test_a_task_that_has_just_ended_is_not_lost(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A claim may outlive its task's last commit by a moment; by two heartbeats it is a loss."""
    settings_env.setenv("ROADMAP_LEASE_S", "2")
    get_settings.cache_clear()
    (claim,) = await _claims(1)
    keeper().keep(claim)
    await database.execute(
        "UPDATE roadmap_tasks SET status = 'failed', finished_at = now(), lease_owner = NULL,"
        " lease_until = NULL WHERE task_id = $1",
        claim.task_id,
    )
    beats: list[str] = []
    event.listen(
        get_engine().sync_engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: beats.append(statement),
    )
    async with asyncio.timeout(20):
        await claim.stopped.wait()
    assert len([statement for statement in beats if "unnest" in statement]) >= 2
    assert claim.stop is Stop.LOST
    keeper().drop(claim)


async def test_a_locked_row_costs_no_other_its_lease(
    database: asyncpg.Connection, postgres_url: str
) -> None:
    """A row that a stranger holds locked is renewed once it is free; the others do not wait."""
    locked, other = await _claims(2)
    held = [(claim.task_id, claim.epoch) for claim in (locked, other)]
    for claim in (locked, other):
        await expire_lease(database, claim.task_id)
    lock = "SELECT 1 FROM roadmap_tasks WHERE task_id = $1 FOR UPDATE"

    async def renewed() -> list[bool]:
        async with AsyncSessionLocal() as session, asyncio.timeout(5):
            assert await renew(session, held, lease_s=30) == {}
            await session.commit()
        now = await database.fetchval("SELECT clock_timestamp()")
        return [await column(database, task, "lease_until") > now for task, _ in held]

    stranger = await asyncpg.connect(postgres_url)
    async with stranger.transaction():
        await stranger.execute(lock, locked.task_id)
        assert await renewed() == [False, True]
    await stranger.close()
    assert await renewed() == [True, True]


async def test_expired_but_not_taken(database: asyncpg.Connection) -> None:
    """A lease that is over but that nobody took is simply renewed."""
    (claim,) = await _claims(1)
    await expire_lease(database, claim.task_id)
    async with AsyncSessionLocal() as session:
        held = [(claim.task_id, claim.epoch)]
        assert await renew(session, held, lease_s=30) == {}
        await session.commit()
    now = await database.fetchval("SELECT clock_timestamp()")
    assert await column(database, claim.task_id, "lease_until") > now


async def test_run_outlives_its_lease(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A step that takes longer than the lease is not taken away from a living worker."""
    settings_env.setenv("ROADMAP_LEASE_S", "0.8")
    get_settings.cache_clear()
    task = await new_task()
    first: list[Any] = []

    async def long(call: Call[Any]) -> None:
        if call.kind == CallKind.CURRICULUM_DESIGN:
            first.append(await column(database, task, "lease_until"))
            await until(lambda: _after(database, first[0]), what="twice the lease")
            assert (await recover(None)).recovered == 0

    author.before = long
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert first
    assert await column(database, task, "losses") == 0


async def _after(connection: asyncpg.Connection, moment: Any) -> bool:
    return bool(
        await connection.fetchval(
            "SELECT clock_timestamp() > $1::timestamptz + interval '0.5 s'", moment
        )
    )


async def test_keeper_stops_when_it_holds_nothing(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """The heartbeat ends with the last claim, and begins again with the next one."""
    settings_env.setenv("ROADMAP_LEASE_S", "0.2")
    get_settings.cache_clear()
    for _ in range(2):
        (claim,) = await _claims(1)
        keeper().keep(claim)
        beat = keeper()._beat
        assert beat is not None
        keeper().drop(claim)
        await asyncio.wait_for(asyncio.wait({beat}), 5)
        assert beat.done()


async def test_silent_database_stops_the_work(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A worker that cannot renew for a whole lease stops by its own clock, and is no lost one.

    It gives the task back as soon as the database answers.
    """
    settings_env.setenv("ROADMAP_LEASE_S", "0.6")
    get_settings.cache_clear()
    task = await new_task()
    hanging = asyncio.Event()

    async def hang(_call: Call[Any]) -> None:
        hanging.set()
        await asyncio.Event().wait()

    author.before = hang
    run = asyncio.create_task(run_task(task, worker="w"))
    await hanging.wait()
    async with database.transaction():
        await database.execute("LOCK TABLE roadmap_tasks")  # no heartbeat gets by
        assert await asyncio.wait_for(run, 10) is Result.INTERRUPTED

    async def given_back() -> bool:
        return await column(database, task, "lease_owner") is None

    await until(given_back, what="a task that was given back")
    assert await column(database, task, "losses") == 0
    author.before = nothing
    assert await run_task(task, worker="v") is Result.COMPLETED
    assert "task_recovered" not in await events(database, task)


async def test_a_beat_under_way_leaves_no_connection(
    database: asyncpg.Connection, postgres_url: str
) -> None:
    """When a loop's connections are closed, that of a heartbeat under way is closed, too."""
    (claim,) = await _claims(1)
    keeper().keep(claim)
    other = await asyncpg.connect(postgres_url)

    async def ours(state: str) -> int:
        found = await other.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'roadmap-worker'"
            " AND state LIKE $1",
            state,
        )
        return int(found)

    async def beats() -> bool:
        return await ours("active") == 1

    async def closed() -> bool:
        return await ours("%") == 0

    async with database.transaction():
        await database.execute("LOCK TABLE roadmap_tasks")
        await until(beats, what="a heartbeat that waits")
        await close_loop()
    await until(closed, what="the end of all connections")
    await other.close()


async def test_drained(
    database: asyncpg.Connection, author: LedgerAuthor, rings: list[Any]
) -> None:
    """A worker that stops gives its task back at once: no lease time-out is waited for."""
    task = await new_task()
    hanging = asyncio.Event()

    async def hang(_call: Call[Any]) -> None:
        hanging.set()
        await asyncio.Event().wait()

    author.before = hang
    run = asyncio.create_task(run_task(task, worker="w"))
    await hanging.wait()
    (claim,) = keeper().claims()
    keeper().stop(claim, Stop.DRAIN)
    assert await asyncio.wait_for(run, 5) is Result.RELEASED
    assert await pair(database, task) == ("processing", "resuming")
    assert await column(database, task, "lease_until") is None
    assert rings[-1].task_id == task
    author.before = nothing
    assert await run_task(task, worker="v") is Result.COMPLETED
    assert "task_recovered" not in await events(database, task)


async def test_killed_then_taken_over(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """After an abrupt end nobody gets the task before the lease is over, then somebody does."""
    task = await new_task()
    hanging = asyncio.Event()

    async def hang(call: Call[Any]) -> None:
        if call.kind in CONTENTS:
            hanging.set()
            await asyncio.Event().wait()

    author.before = hang
    run = asyncio.create_task(run_task(task, worker="w"))
    await hanging.wait()
    await kill(run)
    assert await acquire(task, worker="v") is None
    await stop_keeping()  # a statement of its heartbeat that is under way would renew it yet
    await expire_lease(database, task)
    author.before = nothing
    assert await run_task(task, worker="v") is Result.COMPLETED
    told = await events(database, task)
    assert (told.count("task_started"), told.count("task_recovered")) == (1, 1)
