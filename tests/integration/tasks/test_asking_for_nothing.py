"""Messages of other programs that ask for nothing: they are told where one looks for them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tasks.roadmap import REJECTED, resume, retry, run_asked
from tests.factories import new_task
from watching.queries import rejected_messages
from worker import Delivery

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.usefixtures("database")


def _delivery(name: str, *, ours: bool = False) -> Delivery:
    return Delivery(id=str(uuid.uuid4()), name=name, worker="w", ours=ours)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("roadmap.generate", {}),
        ("workflow.run", {"workflow": "book", "review": None}),
        ("workflow.run", {"workflow": None, "review": "x"}),
    ],
)
async def test_nothing_is_dropped_in_silence(name: str, more: dict[str, Any]) -> None:
    """Without a request, for a task that is not there, it stands among the rejected messages."""
    task_id = str(uuid.uuid4())
    asked = {"user_id": "alice", "request": None, **more}
    assert await run_asked(_delivery(name), task_id, **asked) == REJECTED
    found = (await rejected_messages(limit=10)).rejected
    assert [(each.reason, each.detail) for each in found] == [
        ("arguments", "it brings no request for a new task")
    ]
    assert task_id in found[0].excerpt
    assert name in found[0].excerpt


@pytest.mark.parametrize("task", [resume, retry])
async def test_about_a_task_that_is_not_there(task: Any) -> None:
    """Whoever goes on with, or retries, what nobody knows finds the message, too."""
    task_id = str(uuid.uuid4())
    work = task.run.__wrapped__  # the coroutine function in the Celery task
    assert await work(_delivery(task.name), task_id) == REJECTED
    (found,) = (await rejected_messages(limit=10)).rejected
    assert (found.reason, found.detail) == ("arguments", "there is no task of its task_id")
    assert task_id in found.excerpt
    assert task.name in found.excerpt
    assert await work(_delivery(task.name, ours=True), task_id) == "nothing_to_do"
    assert len((await rejected_messages(limit=10)).rejected) == 1


async def test_what_is_late_is_no_mistake(database: asyncpg.Connection) -> None:
    """Our own ring for a task that is gone, and anybody's for one that has ended, are harmless."""
    ended = await new_task()
    await database.execute(
        "UPDATE roadmap_tasks SET status = 'cancelled', current_step = 'queued',"
        " finished_at = now() WHERE task_id = $1",
        ended,
    )
    for delivery, task in (
        (_delivery("roadmap.generate", ours=True), uuid.uuid4()),
        (_delivery("roadmap.generate"), ended),
    ):
        asked = {"user_id": "alice", "request": None}
        assert await run_asked(delivery, str(task), **asked) == "nothing_to_do"
    assert not (await rejected_messages(limit=10)).rejected
