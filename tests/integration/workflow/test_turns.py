"""Whose turn it is: limits of a user, and a line in which nobody starves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from core.settings import get_settings
from db.repositories.user_locks import PATIENCE_S
from tests.factories import ALICE, column, new_task, pair
from watching.queries.operations import queue_state
from workflow import turns
from workflow.lease import Claim, DeferredError, acquire
from workflow.presence import Presence, put_back
from workflow.recovery import Queue, recover
from workflow.runs import run_task
from workflow.service import cancel_task, retry_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    import asyncpg

    from tests.ledger import LedgerAuthor
    from workflow.doorbell import Ring


@pytest.fixture
async def worker(database: asyncpg.Connection) -> AsyncIterator[str]:
    """A worker with two slots and a spare one."""
    presence = Presence(name="w", slots=2, spare=1, incarnation="first")
    await presence.begin()
    yield "w"
    await turns.settle()
    await presence.end()


async def taken(task_id: UUID, *, worker: str = "w") -> Claim | None:
    """Take a task, or None when it was put off."""
    try:
        claim = await acquire(task_id, worker=worker)
    except DeferredError:
        return None
    assert claim is not None
    return claim


async def flood(user: str, *, tasks: int, at_once: int) -> tuple[list[UUID], list[UUID]]:
    """Deliver all of a user's tasks; return those that run and those that were put off."""
    made = [await new_task(user=user) for _ in range(tasks)]
    running = [task for task in made if await taken(task) is not None]
    assert len(running) == at_once
    return running, [task for task in made if task not in running]


async def test_one_user_alone_has_all_slots_but_the_spare_ones(
    database: asyncpg.Connection, worker: str
) -> None:
    """A user's tasks fill the slots; the next one is put off and stays as it was."""
    _running, waiting = await flood("alice", tasks=4, at_once=2)
    assert [await pair(database, task) for task in waiting] == [("pending", "queued")] * 2
    assert await column(database, waiting[0], "deferred_at") is not None


async def test_another_user_is_taken_at_once(database: asyncpg.Connection, worker: str) -> None:
    """Although one user has all that he may have, another one's task begins."""
    await flood("alice", tasks=4, at_once=2)
    assert await taken(await new_task(user="bob")) is not None


async def test_the_next_in_line_is_who_has_the_fewest(
    database: asyncpg.Connection, worker: str, rings: list[Ring]
) -> None:
    """When a slot becomes free, the user with the fewest running is rung for, not the oldest."""
    running, _waiting = await flood("alice", tasks=4, at_once=2)
    assert await taken(await new_task(user="bob")) is not None
    carols = await new_task(user="carol")
    assert await taken(carols) is None, "no slot is left"
    rings.clear()
    assert await turns.ring_next() == 0
    await cancel_task(running[0], actor=ALICE)
    await turns.settle()
    assert [ring.task_id for ring in rings] == [carols]
    assert await taken(carols) is not None


async def test_at_the_same_number_users_take_turns(
    database: asyncpg.Connection, worker: str
) -> None:
    """Of users with as many running, whoever waited longer for a start comes first."""
    for user in ("alice", "bob", "carol"):  # began in this order
        task = await new_task(user=user)
        assert await taken(task) is not None
        await database.execute(
            "UPDATE roadmap_tasks SET status = 'cancelled', finished_at = now(),"
            " lease_until = NULL WHERE task_id = $1",
            task,
        )
    first = {user: await new_task(user=user) for user in ("carol", "alice", "bob")}
    await database.execute("UPDATE workers SET slots = 1, spare = 0")
    assert await taken(first["carol"]) is None
    assert await taken(first["bob"]) is None
    assert await taken(first["alice"]) is not None


async def test_the_last_slot_is_for_somebody_new(database: asyncpg.Connection) -> None:
    """Two users who could fill everything leave one slot for a third."""
    presence = Presence(name="w", slots=4, spare=1, incarnation="first")
    await presence.begin()
    await flood("alice", tasks=6, at_once=4)
    await database.execute("UPDATE workers SET spare = 2")
    await flood("bob", tasks=6, at_once=1)
    await flood("carol", tasks=2, at_once=1)
    await presence.end()


async def test_all_that_was_put_off_is_done_in_the_end(
    database: asyncpg.Connection, worker: str, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """Each end rings for the next until nothing is left, and nothing runs twice."""
    tasks = [await new_task(user=user) for user in ("alice", "bob") for _ in range(6)]
    queue = [ring.task_id for ring in rings]
    rings.clear()
    async with asyncio.timeout(30):
        while queue or rings:
            queue += [ring.task_id for ring in rings]
            rings.clear()
            batch, queue = queue[:3], queue[3:]
            await asyncio.gather(*(run_task(task, worker="w") for task in batch))
            await turns.settle()
    assert {await pair(database, task) for task in tasks} == {("completed", "completed")}


async def test_a_lost_call_is_made_again(
    database: asyncpg.Connection, worker: str, rings: list[Ring]
) -> None:
    """Recovery rings for who is next in line, and for nobody else who was put off."""
    running, waiting = await flood("alice", tasks=4, at_once=2)
    await database.execute("UPDATE roadmap_tasks SET rung_at = rung_at - interval '1 hour'")
    rings.clear()
    assert (await recover(Queue(depth=0))).rung == 0, "they wait for their turn, not for a ring"
    await database.execute(
        "UPDATE roadmap_tasks SET status = 'cancelled', finished_at = now(), lease_until = NULL"
        " WHERE task_id = $1",
        running[0],
    )
    assert (await recover(Queue(depth=0))).rung == 1
    assert [ring.task_id for ring in rings] == [waiting[0]]
    assert (await recover(Queue(depth=0))).rung == 0, "its ring is on its way"


async def test_active_tasks_are_queued_above_the_limit(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch, rings: list[Ring]
) -> None:
    """Over USER_MAX_ACTIVE_TASKS a task waits until one ends, also when all come at once."""
    settings_env.setenv("ROADMAP_USER_MAX_ACTIVE_TASKS", "2")
    get_settings.cache_clear()
    made = [await new_task() for _ in range(5)]
    claims = await asyncio.gather(*(taken(task) for task in made))
    active = [task for task, claim in zip(made, claims, strict=True) if claim]
    assert len(active) == 2
    assert await taken(await new_task(user="bob")) is not None
    rings.clear()
    await cancel_task(active[0], actor=ALICE)
    await turns.settle()
    waiting = [task for task in made if task not in active]
    assert [ring.task_id for ring in rings] == [waiting[0]]
    assert await taken(waiting[0]) is not None


async def test_a_begun_task_is_not_held_by_the_limit(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """What was begun goes on: a retried task has its place already."""
    settings_env.setenv("ROADMAP_USER_MAX_ACTIVE_TASKS", "1")
    get_settings.cache_clear()
    task = await new_task()
    await cancel_task(task, actor=ALICE)
    await retry_task(task, actor=ALICE)
    assert await taken(task) is not None


async def test_a_former_lifes_leases_take_no_slot(
    database: asyncpg.Connection, worker: str
) -> None:
    """A worker that was killed and started anew has all its slots, though its leases still run."""
    await flood("alice", tasks=3, at_once=2)
    again = Presence(name="w", slots=2, spare=1, incarnation="second")
    await again.begin()
    assert await taken(await new_task()) is not None
    await again.end()


async def test_a_silent_worker_offers_nothing(database: asyncpg.Connection, worker: str) -> None:
    """Slots of a worker that is not heard of any more are not counted."""
    presence = Presence(name="other", slots=50, spare=1, incarnation="first")
    await presence.begin()
    await database.execute(
        "UPDATE workers SET seen_at = now() - interval '1 minute' WHERE name = 'other'"
    )
    await flood("alice", tasks=3, at_once=2)
    await presence.end()


async def test_a_clock_that_was_ahead_leaves_no_worker_behind(
    database: asyncpg.Connection, worker: str
) -> None:
    """Once it was put back a dead worker does not count, and a living one's leases do."""
    dead = Presence(name="other", slots=50, spare=1, incarnation="first")
    await dead.begin()
    await database.execute(
        "UPDATE workers SET since = now() + interval '1 hour', seen_at = now() + interval '1 hour'"
    )
    await put_back()
    await database.execute("UPDATE workers SET seen_at = seen_at - interval '16 s'")
    living = Presence(name="w", slots=2, spare=1, incarnation="first")
    await living.begin()  # it tells of itself, as it does every few seconds
    await flood("alice", tasks=3, at_once=2)
    assert [each.name for each in (await queue_state()).fleet] == ["w"]
    await living.end()
    await dead.end()


async def test_a_frozen_worker_holds_up_nobody(database: asyncpg.Connection, worker: str) -> None:
    """Somebody who stands still while he takes a task does not keep the user's others waiting."""
    task = await new_task()
    async with database.transaction():
        await database.execute("SELECT pg_advisory_xact_lock(hashtextextended('alice', 0))")
        async with asyncio.timeout(2 * PATIENCE_S):
            assert await taken(task) is not None


async def test_a_frozen_worker_holds_up_no_queue(database: asyncpg.Connection, worker: str) -> None:
    """Neither does he keep a whole queue of claims waiting, each as long as the first."""
    made = [await new_task() for _ in range(8)]
    async with database.transaction():
        await database.execute("SELECT pg_advisory_xact_lock(hashtextextended('alice', 0))")
        async with asyncio.timeout(2 * PATIENCE_S):
            claims = await asyncio.gather(*(taken(task) for task in made))
    assert sum(claim is not None for claim in claims) >= 2


async def test_claims_of_a_user_queue_without_a_connection(database: asyncpg.Connection) -> None:
    """In one process they go on one after the other, in their order; other users' go past them."""
    entered: list[str] = []

    async def claim(user: str, name: str, going_on: asyncio.Event) -> None:
        async with turns.one_of_user(user) as alone:
            assert alone
            entered.append(name)
            await going_on.wait()

    wait, go = asyncio.Event(), asyncio.Event()
    go.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(claim("alice", "first", wait))
        await asyncio.sleep(0)
        for name in ("second", "third"):
            group.create_task(claim("alice", name, go))
        await claim("bob", "other", go)
        assert entered == ["first", "other"]
        wait.set()
    assert entered == ["first", "other", "second", "third"]


async def test_all_at_once_find_no_place_twice(database: asyncpg.Connection, worker: str) -> None:
    """Deliveries that are looked at in the same moment do not all find the last place free."""
    made = [await new_task() for _ in range(8)]
    claims = await asyncio.gather(*(taken(task) for task in made))
    assert sum(claim is not None for claim in claims) == 2
