"""Rings that nothing follows from are taken out of a long queue many at a time, and no others."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
from redis import Redis as BlockingRedis

from core.actor import SYSTEM
from core.states import TERMINAL, Status
from db.repositories.tasks import statuses_of
from db.session import read_session
from tasks.late_rings import FARTHEST, MANY, asked, clear
from tests.factories import new_task
from tests.junk import envelope
from workflow import doorbell
from workflow.service import cancel_task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    import asyncpg
    from redis.asyncio import Redis

QUEUE: Final = "roadmap"


def _ring(task: str, task_id: UUID, *, request: Any = None, **headers: Any) -> bytes:
    given = {"task_id": str(task_id)} | ({} if request is None else {"request": request})
    message = envelope([[], given, None], task=f"roadmap.{task}", **headers)
    return json.dumps(message).encode()


class Queue:
    """A real queue, and the statements that its messages cost."""

    def __init__(self, client: BlockingRedis) -> None:
        self.client = client
        self.statements = 0
        self.between: Callable[[], None] = lambda: None

    def fill(self, messages: Sequence[bytes]) -> None:
        """Put the messages in, the first one to be read first."""
        self.client.lpush(QUEUE, *messages)

    def left(self) -> list[bytes]:
        """Return what is in the queue, what is read first at the beginning."""
        found: Any = self.client.lrange(QUEUE, 0, -1)
        return list(reversed(found))

    async def clear(self) -> int | None:
        """Clear it as a worker's thread does."""
        loop = asyncio.get_running_loop()

        def read(task_ids: Sequence[UUID]) -> Mapping[UUID, str]:
            self.statements += 1
            found = asyncio.run_coroutine_threadsafe(_statuses(task_ids), loop).result(10)
            self.between()
            return found

        return await asyncio.to_thread(clear, self.client, QUEUE, read=read)


async def _statuses(task_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    async with read_session() as session:
        return await statuses_of(session, task_ids)


@pytest.fixture
async def queue(database: asyncpg.Connection, redis: Redis, redis_url: str) -> Any:
    """An empty queue beside an empty database; only the tests write to it."""
    doorbell.install(None)
    with BlockingRedis.from_url(redis_url) as client:
        yield Queue(client)


def _unknown(count: int) -> list[bytes]:
    return [_ring("resume" if n % 2 else "retry", uuid.uuid4()) for n in range(count)]


async def _in_status(database: asyncpg.Connection, status: Status) -> UUID:
    task_id = await new_task()
    if status is Status.CANCELLED:
        await cancel_task(task_id, actor=SYSTEM)
    elif status is not Status.PENDING:
        steps = {
            Status.PROCESSING: "resuming",
            Status.HUMAN_REVIEW_PENDING: "human_review",
            Status.COMPLETED: "completed",
        }
        await database.execute("SET session_replication_role = replica")
        await database.execute(
            "UPDATE roadmap_tasks SET status = $2, current_step = $3,"
            " finished_at = CASE WHEN $4 THEN now() END WHERE task_id = $1",
            task_id,
            str(status),
            steps.get(status, "content_generation"),
            status in TERMINAL,
        )
        await database.execute("SET session_replication_role = DEFAULT")
    return task_id


async def test_thousands_cost_a_statement_for_hundreds(queue: Queue) -> None:
    """Of 5000 rings for unknown tasks none is delivered, and ten statements are enough."""
    queue.fill(_unknown(5000))
    assert await queue.clear() == 5000
    assert not queue.left()
    assert queue.statements <= 10


async def test_what_is_wanted_stays(queue: Queue, database: asyncpg.Connection) -> None:
    """Tasks that wait keep one ring; requests without a row, and what is odd, stay."""
    tasks = {status: await _in_status(database, status) for status in Status}
    wanted = [
        _ring("generate", tasks[Status.PENDING]),
        _ring("resume", tasks[Status.PROCESSING]),
        _ring("generate", uuid.uuid4(), request={"goal": "Learn Rust"}),
        _ring("generate", uuid.uuid4(), request={"goal": ["not", "valid"]}),
        _ring("generate", uuid.uuid4(), eta="2030-01-01T00:00:00Z", request={"goal": "Later"}),
        _ring("resume", uuid.uuid4(), eta="2020-01-01T00:00:00Z", retries=1),
        _ring("generate", uuid.uuid4()),  # another program's, who is to be told what is missing
        b"not even JSON",
        json.dumps(envelope(task="maintenance.recover", body=[[], {}, None])).encode(),
        json.dumps(envelope(task="elsewhere.job")).encode(),
        b" " * 20_000 + _ring("resume", uuid.uuid4()),
    ]
    retried = wanted.pop(5)
    unwanted = [
        _ring(name, task_id, request=request)
        for name, request in (("generate", {"goal": "Learn Rust"}), ("resume", None))
        for status, task_id in tasks.items()
        if status not in {Status.PENDING, Status.PROCESSING}
    ]
    rung = {"rung_at": "2026-01-01T00:00:00+00:00"}
    unwanted += [_ring("generate", uuid.uuid4(), **rung), _ring("retry", tasks[Status.PENDING])]
    mixed = [
        message for pair in zip(wanted, _unknown(len(wanted)), strict=True) for message in pair
    ]
    queue.fill([*mixed, retried, *unwanted, *_unknown(MANY), *unwanted])
    await queue.clear()
    left = queue.left()
    assert [message for message in left if message in wanted] == wanted
    assert Counter(left) - Counter([*wanted, retried]) == Counter()


async def test_what_stays_is_judged_once(queue: Queue) -> None:
    """Each look finds what waits again, and judges only what is new."""
    wanted = [_ring("generate", uuid.uuid4(), request={"goal": "x"}) for _ in range(MANY + 50)]
    judged = asked.cache_info().misses
    queue.fill(wanted[:MANY])
    for _ in range(3):
        assert await queue.clear() == 0
    assert asked.cache_info().misses == judged + MANY
    queue.fill(wanted[MANY:])
    assert await queue.clear() == 0
    assert asked.cache_info().misses == judged + len(wanted)
    assert queue.left() == wanted


async def test_few_are_delivered(queue: Queue) -> None:
    """A short queue is left to Celery, which tells Flower of each."""
    few = _unknown(MANY - 1)
    queue.fill(few)
    assert await queue.clear() is None
    assert queue.left() == few
    assert queue.statements == 0


async def test_nothing_is_lost_without_postgresql(queue: Queue) -> None:
    """When the rows cannot be read all messages stay as they are."""
    messages = _unknown(MANY)
    queue.fill(messages)

    def fail() -> None:
        raise TimeoutError

    queue.between = fail
    with pytest.raises(TimeoutError):
        await queue.clear()
    assert queue.left() == messages


async def test_a_second_look_finds_what_is_new(queue: Queue) -> None:
    """What comes and goes while rows are read is neither lost nor in the way.

    A ring for the same task that came after the look stays, for the one before may have ended.
    """
    task_id = await new_task()
    first, again = _ring("generate", task_id), _ring("resume", task_id)
    given_back = [_ring("generate", uuid.uuid4(), request={"goal": "Back"}) for _ in range(30)]
    queue.fill([first, *_unknown(400)])

    def meanwhile() -> None:
        queue.between = lambda: None
        assert queue.client.rpop(QUEUE) == first
        queue.client.lpush(QUEUE, again)
        queue.client.rpush(QUEUE, *given_back)

    queue.between = meanwhile
    assert await queue.clear() == 400
    assert Counter(queue.left()) == Counter([again, *given_back])


async def test_a_long_line_of_good_ones_costs_little(queue: Queue) -> None:
    """Messages that stay are passed over, up to a bound."""
    good = [
        _ring("generate", uuid.uuid4(), request={"goal": "Learn Rust"})
        for _ in range(FARTHEST + 1000)
    ]
    queue.fill(good)
    assert await queue.clear() == 0
    assert queue.left() == good
    assert queue.statements <= FARTHEST // 500
