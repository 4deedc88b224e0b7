"""Where a waiting task stands, and what it waits for, as its resource tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from core.settings import get_settings
from tests.examined import rows_examined, statements
from tests.factories import ALICE, new_task
from tests.integration.api.conftest import bearer
from watching import line, seldom
from workflow import turns
from workflow.lease import DeferredError, acquire
from workflow.presence import Presence
from workflow.service import cancel_task, retry_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    import asyncpg
    import httpx


@pytest.fixture(autouse=True)
def counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is counted for each request."""
    monkeypatch.setattr(line, "LONGEST_KEPT_S", 0.0)


@pytest.fixture
async def worker(database: asyncpg.Connection) -> AsyncIterator[str]:
    """A worker with two slots and a spare one."""
    presence = Presence(name="w", slots=2, spare=1, incarnation="first")
    await presence.begin()
    yield "w"
    await turns.settle()
    await presence.end()


async def shown(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return the places of all users' tasks, by task."""
    answer = await client.get("/api/v1/tasks", headers=bearer("root", role="admin"))
    return {task["task_id"]: task["line"] for task in answer.json()["tasks"]}


async def order(client: httpx.AsyncClient) -> list[str]:
    """Return the tasks that wait in the order of their positions, which are 1, 2, 3 …."""
    places = {key: place["position"] for key, place in (await shown(client)).items() if place}
    assert sorted(places.values()) == list(range(1, len(places) + 1))
    return sorted(places, key=places.__getitem__)


async def test_users_take_turns_in_the_line(alice: httpx.AsyncClient) -> None:
    """Without a worker everything waits; of each user the next one, then the one after it."""
    a1, a2, b1, a3, b2 = [
        str(await new_task(user=user)) for user in ("alice", "alice", "bob", "alice", "bob")
    ]
    assert await order(alice) == [a1, b1, a2, b2, a3]
    place = (await shown(alice))[a1]
    assert place == {
        "position": 1,
        "reason": "worker",
        "message": "No worker tells of itself; it begins when there is one.",
    }


async def test_whoever_has_fewer_running_comes_first(alice: httpx.AsyncClient, worker: str) -> None:
    """A user who has all slots waits behind another; what was taken is in no line."""
    made = [await new_task() for _ in range(4)]
    for task in made[:2]:
        assert await acquire(task, worker=worker) is not None
    with pytest.raises(DeferredError):
        await acquire(made[2], worker=worker)
    bobs = str(await new_task(user="bob"))
    assert await order(alice) == [bobs, str(made[2]), str(made[3])]
    assert (await shown(alice))[str(made[0])] is None


async def test_what_was_begun_goes_on_first(alice: httpx.AsyncClient) -> None:
    """A retried task is in the line, before its user's new ones, until it is taken."""
    new = await new_task()
    begun = await new_task()
    await cancel_task(begun, actor=ALICE)
    assert (await shown(alice))[str(begun)] is None
    await retry_task(begun, actor=ALICE)
    assert await order(alice) == [str(begun), str(new)]
    assert await acquire(begun, worker="w") is not None
    assert await order(alice) == [str(new)]


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        ("UPDATE workers SET seen_at = clock_timestamp() - interval '1 hour'", "no other one"),
        ("UPDATE workers SET since = clock_timestamp() + interval '1 s'", "another one goes on"),
        ("UPDATE roadmap_tasks SET lease_until = clock_timestamp()", "another one goes on"),
    ],
    ids=["silent", "a new life", "lease over"],
)
async def test_whose_worker_is_lost_waits(
    alice: httpx.AsyncClient, database: asyncpg.Connection, worker: str, happened: str, told: str
) -> None:
    """Until another worker takes it over a task says that its own is lost; it has no place yet."""
    task = await new_task()
    assert await acquire(task, worker=worker) is not None
    assert (await shown(alice))[str(task)] is None
    await database.execute(happened)
    place = (await shown(alice))[str(task)]
    assert (place["position"], place["reason"]) == (None, "worker")
    assert "Its worker is lost" in place["message"]
    assert told in place["message"]


async def test_over_the_limit_it_waits_for_its_users_own_tasks(
    alice: httpx.AsyncClient, settings_env: pytest.MonkeyPatch
) -> None:
    """Over USER_MAX_ACTIVE_TASKS the reason is `user_limit`, and others do not wait for it."""
    settings_env.setenv("ROADMAP_USER_MAX_ACTIVE_TASKS", "2")
    get_settings.cache_clear()
    made = [str(await new_task()) for _ in range(4)]
    bobs = [str(await new_task(user="bob")) for _ in range(2)]
    places = await shown(alice)
    reasons = [places[task]["reason"] for task in made]
    assert reasons == ["worker", "worker", "user_limit", "user_limit"]
    assert [places[task]["position"] for task in bobs] == [2, 4]


async def test_before_its_time_it_has_no_place(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A task that was asked for later waits for its time, and nobody waits for it."""
    later, now = [await new_task() for _ in range(2)]
    at = datetime.now(UTC) + timedelta(hours=1)
    await database.execute("UPDATE roadmap_tasks SET starts_at = $2 WHERE task_id = $1", later, at)
    place = (await alice.get(f"/api/v1/tasks/{later}")).json()["line"]
    assert (place["position"], place["reason"]) == (None, "starts_at")
    assert await order_of(alice, now) == 1


async def test_it_says_which_version_of_a_workflow_is_missing(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """What no worker can go on with is not next: it waits for whoever knows its version."""
    task = await new_task()
    other = "UPDATE roadmap_tasks SET workflow_version = 7 WHERE task_id = $1"
    await database.execute(other, task)
    place = (await alice.get(f"/api/v1/tasks/{task}")).json()["line"]
    assert (place["position"], place["reason"]) == (None, "unknown_workflow")
    assert "Version 7 of the workflow 'roadmap' is not known here" in place["message"]


async def order_of(client: httpx.AsyncClient, task_id: UUID) -> int:
    """Return a task's position."""
    place = (await client.get(f"/api/v1/tasks/{task_id}")).json()["line"]
    return int(place["position"])


async def test_ten_thousand_waiting_are_not_counted_for_each_request(
    alice: httpx.AsyncClient, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is counted once for many requests; each counts what its own user has waiting."""
    monkeypatch.setattr(line, "LONGEST_KEPT_S", 60.0)
    monkeypatch.setattr(seldom, "SHARE", 0.00001)
    first = await new_task()
    await database.execute(
        "INSERT INTO roadmap_tasks (task_id, user_id, goal, created_at, status, current_step,"
        " request, workflow_version, request_digest)"
        " SELECT gen_random_uuid(), 'user' || n % 100, goal, now() - n * interval '1 ms', status,"
        " current_step, request, workflow_version, request_digest"
        " FROM roadmap_tasks, generate_series(1, 10000) n"
    )
    await database.execute("ANALYZE roadmap_tasks")
    mine = await new_task(user="user7")
    assert await order_of(alice, first) == 101
    with statements() as sent:
        answer = await alice.get(f"/api/v1/tasks/{mine}", headers=bearer("user7"))
    assert answer.json()["line"]["position"] > 10_000
    assert not any("capacity" in statement for statement, _ in sent)
    assert await rows_examined(database, sent) < 1000
