"""What nobody holds is brought back: lost workers, lost rings."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from core.settings import get_settings
from db.facts import Reason
from roadmaps.inputs import CallKind
from tasks.dispatch import send
from tasks.maintenance import _look_at_queue
from tasks.queues import peek
from tests.broker import use_broker
from tests.factories import (
    ALICE,
    approve,
    column,
    events,
    expire_lease,
    kill,
    new_task,
    pair,
)
from worker import app
from workflow import doorbell, recovery
from workflow.doorbell import Ring
from workflow.ending import Result
from workflow.heartbeat import stop_keeping
from workflow.lease import acquire
from workflow.recovery import LARGEST_SWEEP, Queue, recover
from workflow.runs import run_task
from workflow.service import cancel_task, retry_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    import asyncpg
    from redis.asyncio import Redis

    from llm import Call
    from tests.ledger import LedgerAuthor


async def lose_worker(
    connection: asyncpg.Connection, author: LedgerAuthor, task: UUID, kind: str
) -> None:
    """Run a task until the author is asked for something, kill the run, let its lease be over."""
    asked = asyncio.Event()

    async def hang(call: Call[Any]) -> None:
        if call.kind == kind:
            asked.set()
            await asyncio.Event().wait()

    before, author.before = author.before, hang
    run = asyncio.create_task(run_task(task, worker="doomed"))
    await asked.wait()
    await kill(run)
    await stop_keeping()  # a statement of its heartbeat that is under way would renew it yet
    author.before = before
    await expire_lease(connection, task)


async def test_freed(database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]) -> None:
    """A silent worker's task is freed and rung for; the next worker tells that it took over."""
    task = await new_task()
    await lose_worker(database, author, task, CallKind.CURRICULUM_DESIGN)
    rings.clear()
    done = await recover(None)
    assert (done.recovered, done.given_up, done.rung) == (1, 0, 0)
    assert await pair(database, task) == ("processing", "resuming")
    assert [(ring.task_id, ring.reason) for ring in rings] == [(task, Reason.RESUME)]
    assert rings[0].at == await column(database, task, "rung_at")
    assert "task_recovered" not in await events(database, task), "nobody has taken it yet"
    assert (await recover(None)).recovered == 0
    assert await run_task(task, worker="w") is Result.COMPLETED
    told = await events(database, task)
    assert told.count("task_started") == told.count("task_recovered") == 1


async def test_a_living_worker_keeps_its_task(database: asyncpg.Connection) -> None:
    """A task under a live lease is left alone, however old it is."""
    task = await new_task()
    assert await acquire(task, worker="w") is not None
    await database.execute("UPDATE roadmap_tasks SET created_at = now() - interval '9 days'")
    assert (await recover(Queue(depth=0))).recovered == 0
    assert await column(database, task, "lease_owner") == "w"


async def test_sweeps_at_the_same_time(
    database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """Eight sweeps at once free each task once."""
    tasks = [await new_task() for _ in range(10)]
    for task in tasks:
        assert await acquire(task, worker="w") is not None
        await expire_lease(database, task)
    rings.clear()
    done = await asyncio.gather(*(recover(None) for _ in range(8)))
    assert sum(each.recovered for each in done) == 10
    assert sorted(ring.task_id for ring in rings) == sorted(tasks)
    assert {await column(database, task, "losses") for task in tasks} == {1}


@pytest.mark.parametrize("by_sweep", [True, False])
async def test_losses_are_capped(
    database: asyncpg.Connection,
    author: LedgerAuthor,
    settings_env: pytest.MonkeyPatch,
    by_sweep: bool,  # noqa: FBT001
) -> None:
    """A task that loses MAX_ATTEMPTS workers in a row fails with `worker_lost`."""
    settings_env.setenv("ROADMAP_MAX_ATTEMPTS", "3")
    get_settings.cache_clear()
    task = await new_task()
    for loss in range(1, 4):
        await lose_worker(database, author, task, CallKind.INTENT_ANALYSIS)
        if by_sweep:
            done = await recover(None)
            assert (done.recovered, done.given_up) == ((1, 0) if loss < 3 else (0, 1))
    if not by_sweep:
        assert await run_task(task, worker="w") is Result.NOTHING_TO_DO
    assert await pair(database, task) == ("failed", "intent_analysis")
    assert (await database.fetchval("SELECT error->>'code' FROM roadmap_tasks")) == "worker_lost"
    assert (await events(database, task))[-1] == "task_failed"
    await retry_task(task, actor=ALICE)
    assert await column(database, task, "losses") == 0
    assert await run_task(task, worker="w") is Result.COMPLETED


async def test_progress_resets_the_losses(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """Losses count in a row: a step or content that ended in between makes them forgotten."""
    settings_env.setenv("ROADMAP_MAX_ATTEMPTS", "2")
    get_settings.cache_clear()
    task = await new_task()
    for kind in (
        CallKind.INTENT_ANALYSIS,
        CallKind.CURRICULUM_DESIGN,
        CallKind.STRUCTURE_VALIDATION,
    ):
        await lose_worker(database, author, task, kind)
        assert (await recover(None)).recovered == 1
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert await column(database, task, "losses") == 0


# --- rings that were lost ---------------------------------------------------------------------


async def test_rung_again(
    database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """A row that waits without a message is rung for again; one that was just rung is not."""
    waiting, fresh = await new_task(), await new_task()
    decided = await new_task(review=True)
    await run_task(decided, worker="w")
    await approve(decided)
    reviewed = await new_task(review=True)
    await run_task(reviewed, worker="w")
    ended = await new_task()
    await cancel_task(ended, actor=ALICE)
    held = await new_task()
    await acquire(held, worker="w")
    rings.clear()
    await database.execute(
        "UPDATE roadmap_tasks SET rung_at = now() - interval '11 s' WHERE task_id <> $1", fresh
    )
    assert (await recover(None)).rung == 0, "nothing could be sent"
    assert (await recover(Queue(depth=5))).rung == 0, "nobody knows what is in the queue"
    assert (await recover(Queue(depth=0))).rung == 2
    assert {(ring.task_id, ring.reason, ring.first) for ring in rings} == {
        (waiting, Reason.GENERATE, True),
        (decided, Reason.RESUME, False),
    }
    assert (await recover(Queue(depth=0))).rung == 0


async def test_late_tasks_of_an_unknown_workflow_hold_up_no_other(
    database: asyncpg.Connection, rings: list[Ring], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are left to a process that knows them; what waits is rung for all the same."""
    late, known = await new_task(), await new_task()
    waiting = await new_task()
    await database.execute(
        "INSERT INTO workflow_steps VALUES ('taken_away', 'queued') ON CONFLICT DO NOTHING"
    )
    await database.execute(
        "UPDATE roadmap_tasks SET workflow = 'taken_away' WHERE task_id = $1", late
    )
    await database.execute(
        "UPDATE roadmap_tasks SET expires_at = now() WHERE task_id = ANY($1)", [late, known]
    )
    await database.execute("UPDATE roadmap_tasks SET rung_at = now() - interval '11 s'")
    rings.clear()
    monkeypatch.setattr(recovery, "LARGEST_SWEEP", 1)
    await recover(Queue(depth=0))
    assert await pair(database, known) == ("failed", "intent_analysis")
    assert await pair(database, late) == ("pending", "queued")
    monkeypatch.setattr(recovery, "LARGEST_SWEEP", LARGEST_SWEEP)
    await recover(Queue(depth=0))
    assert waiting in {ring.task_id for ring in rings}


async def test_never_rung(database: asyncpg.Connection, rings: list[Ring]) -> None:
    """A row whose first ring was never even marked is rung for by its age."""
    await new_task()
    rings.clear()
    await database.execute(
        "UPDATE roadmap_tasks SET rung_at = NULL, created_at = now() - interval '11 s'"
    )
    assert (await recover(Queue(depth=0))).rung == 1


async def test_rung_by_a_clock_that_was_ahead(
    database: asyncpg.Connection, rings: list[Ring]
) -> None:
    """A lost ring is made up for though the clock was put back; not while it is in the queue."""
    task = await new_task()
    await database.execute("UPDATE roadmap_tasks SET rung_at = now() + interval '1 day'")
    rung_at: datetime = await column(database, task, "rung_at")
    rings.clear()
    assert (await recover(Queue(depth=1, oldest=rung_at))).rung == 0
    assert (await recover(Queue(depth=0))).rung == 1
    assert (await recover(Queue(depth=0))).rung == 0
    assert await column(database, task, "rung_at") < rung_at - timedelta(hours=23)


async def test_what_is_behind_the_oldest_message_waits(
    database: asyncpg.Connection, rings: list[Ring]
) -> None:
    """What was rung after the queue's oldest message has a message; what was before has none."""
    tasks = [await new_task() for _ in range(4)]
    for place, task in enumerate(tasks):
        await database.execute(
            "UPDATE roadmap_tasks SET rung_at = now() - $2 * interval '1 minute'"
            " WHERE task_id = $1",
            task,
            10 - place,
        )
    oldest: datetime = await column(database, tasks[2], "rung_at")
    rings.clear()
    done = await recover(Queue(depth=2, oldest=oldest))
    assert done.rung == 2
    assert {ring.task_id for ring in rings} == set(tasks[:2])


@pytest.fixture
def broker(redis: Redis) -> Iterator[None]:
    """Celery's app on the test's Redis; rings are sent at once."""
    before = use_broker(get_settings().broker)
    doorbell.install(send)
    yield
    doorbell.install(None)
    use_broker(before)


async def _backlog(connection: asyncpg.Connection, rows: int) -> list[UUID]:
    """Insert rows that were rung an hour ago, one every tenth of a second."""
    found = await connection.fetch(
        "INSERT INTO roadmap_tasks (task_id, user_id, goal, request, status, current_step,"
        " workflow_version, request_digest, created_at, rung_at)"
        " SELECT gen_random_uuid(), 'u', 'g', '{\"goal\": \"g\"}', 'pending', 'queued', 1, 'd', at,"
        " at FROM (SELECT now() - interval '1 hour' + n * interval '0.1 s' AS at"
        " FROM generate_series(1, $1) n) rows RETURNING task_id, rung_at",
        rows,
    )
    return [row["task_id"] for row in sorted(found, key=lambda row: row["rung_at"])]


async def _enqueue(connection: asyncpg.Connection, redis: Redis, tasks: list[UUID]) -> None:
    """Put one message for each task into the queue, as `send` would, many at a time."""
    rung = {
        row["task_id"]: row["rung_at"]
        for row in await connection.fetch("SELECT task_id, rung_at FROM roadmap_tasks")
    }
    first = tasks[0]
    ring = Ring(task_id=first, reason=Reason.GENERATE, at=rung[first])
    await asyncio.to_thread(send, ring)
    model = str(await redis.rpop("roadmap"))
    assert str(first) in model
    pushed = [
        model.replace(str(first), str(task)).replace(
            rung[first].isoformat(), rung[task].isoformat()
        )
        for task in tasks
    ]
    await redis.lpush("roadmap", *pushed)


async def _messages(redis: Redis) -> dict[str, int]:
    counted: dict[str, int] = {}
    for raw in await redis.lrange("roadmap", 0, -1):
        task = json.loads(raw)["headers"]["id"].split(".")[0]
        counted[task] = counted.get(task, 0) + 1
    return counted


async def test_long_backlog_is_not_doubled(
    database: asyncpg.Connection, redis: Redis, broker: None
) -> None:
    """10,000 tasks that wait in the queue for an hour are not rung for again."""
    tasks = await _backlog(database, 10_000)
    await _enqueue(database, redis, tasks)
    seen = await asyncio.to_thread(peek)
    assert seen["depth"] == 10_000
    assert seen["oldest"] == (await column(database, tasks[0], "rung_at")).isoformat()
    for _ in range(3):
        assert (await recover(await _look_at_queue())).rung == 0
    # the oldest 700 messages are lost: taken out by workers that died at once
    await redis.rpop("roadmap", 700)
    rung = [(await recover(await _look_at_queue())).rung for _ in range(4)]
    # all but those rung within the slack before what is now the oldest
    assert rung == [500, 100, 0, 0]
    counted = await _messages(redis)
    assert max(counted.values()) == 1
    assert set(counted) >= {str(task) for task in (*tasks[:600], *tasks[700:])}


async def test_emptied_queue(database: asyncpg.Connection, redis: Redis, broker: None) -> None:
    """After a FLUSHALL every waiting task is rung for again, within a bounded number of sweeps."""
    rows = 2 * LARGEST_SWEEP
    tasks = await _backlog(database, rows)
    await _enqueue(database, redis, tasks)
    await redis.flushall()
    sweeps = 0
    while (await recover(await _look_at_queue())).rung:
        sweeps += 1
        assert sweeps <= rows // LARGEST_SWEEP, "it does not come to an end"
    counted = await _messages(redis)
    assert set(counted) == {str(task) for task in tasks}
    assert max(counted.values()) == 1


async def test_foreign_messages(database: asyncpg.Connection, redis: Redis, broker: None) -> None:
    """A message of another program bears no time; with its task's own there are two at most."""
    (task,) = await _backlog(database, 1)
    app.send_task(
        "roadmap.generate",
        queue="roadmap",
        task_id=str(task),
        kwargs={"task_id": str(task), "user_id": "u", "request": {"goal": "g"}},
    )
    assert (await recover(await _look_at_queue())).rung == 0
    ring = Ring(task_id=task, reason=Reason.GENERATE, at=await column(database, task, "rung_at"))
    await asyncio.to_thread(send, ring)
    for _ in range(3):
        assert (await recover(await _look_at_queue())).rung == 0
    assert await _messages(redis) == {str(task): 2}


def test_slack() -> None:
    """A ring may be on its way for as long as the broker's own time-outs take."""
    assert timedelta(seconds=5) < recovery.RING_AFTER <= timedelta(seconds=30)
