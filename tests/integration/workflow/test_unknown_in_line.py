"""Tasks that no worker here knows how to run wait without standing before others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from core.stages import all_that_can_run
from tests.factories import column, new_task
from tests.integration.workflow.test_turns import taken
from workflow import turns
from workflow.lease import acquire
from workflow.presence import Presence
from workflow.recovery import Queue, recover

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    import asyncpg

    from workflow.doorbell import Ring

UNKNOWN: Final = {
    "a workflow": "workflow = 'taken_away'",
    "a version": "workflow_version = 9",
    "due since a moment": "workflow = 'taken_away', starts_at = now() - interval '1 s'",
    "begun": "workflow = 'taken_away', status = 'processing', current_step = 'resuming'",
}
"""What nobody here can go on with, and how a task becomes one."""


@pytest.fixture
async def one_slot(database: asyncpg.Connection) -> AsyncIterator[None]:
    """A worker with one slot, and a workflow that was taken away."""
    await database.execute(
        "INSERT INTO workflow_steps VALUES ('taken_away', 'queued'), ('taken_away', 'resuming')"
        " ON CONFLICT DO NOTHING"
    )
    presence = Presence(name="w", slots=1, spare=0, incarnation="first")
    await presence.begin()
    yield
    await turns.settle()
    await presence.end()


async def strangers_before(database: asyncpg.Connection, unknown: str) -> tuple[UUID, UUID]:
    """Return a task that nobody can run, and one of a user who began one later."""
    ended = await new_task(user="bob")
    assert await taken(ended) is not None
    await database.execute(
        "UPDATE roadmap_tasks SET status = 'cancelled', finished_at = now(), lease_until = NULL"
    )
    strange = await new_task(user="alice")
    await database.execute(f"UPDATE roadmap_tasks SET {unknown} WHERE task_id = $1", strange)  # noqa: S608
    return strange, await new_task(user="bob")


@pytest.mark.parametrize("unknown", UNKNOWN.values(), ids=UNKNOWN)
async def test_the_next_that_is_known_has_the_slot(
    database: asyncpg.Connection, one_slot: None, unknown: str
) -> None:
    """Once a worker has met a task that it cannot run, those it can run begin before it."""
    strange, known = await strangers_before(database, unknown)
    assert await taken(known) is None
    assert await acquire(strange, worker="w") is None
    assert await taken(known) is not None
    assert await column(database, strange, "lease_owner") is None


async def test_who_was_put_off_is_rung_for(
    database: asyncpg.Connection, one_slot: None, rings: list[Ring]
) -> None:
    """Who waited behind one is asked for as soon as that is met, and no sweep is needed."""
    strange, known = await strangers_before(database, UNKNOWN["a workflow"])
    assert await taken(known) is None
    rings.clear()
    assert await acquire(strange, worker="w") is None
    await turns.settle()
    assert known in {ring.task_id for ring in rings}


async def test_they_are_rung_for_all_the_same(
    database: asyncpg.Connection, one_slot: None, rings: list[Ring]
) -> None:
    """A worker that knows them may have come meanwhile."""
    strange, _ = await strangers_before(database, UNKNOWN["a workflow"])
    assert await acquire(strange, worker="w") is None
    await database.execute("UPDATE roadmap_tasks SET rung_at = now() - interval '11 s'")
    rings.clear()
    await recover(Queue(depth=0))
    assert strange in {ring.task_id for ring in rings}


async def test_it_is_forgotten(
    database: asyncpg.Connection, one_slot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a minute without one all tasks count again."""
    strange, _ = await strangers_before(database, UNKNOWN["a workflow"])
    assert await acquire(strange, worker="w") is None
    assert turns.bounds().known == all_that_can_run()
    monkeypatch.setattr(turns, "UNKNOWN_FOR_S", 0.0)
    assert turns.bounds().known is None
