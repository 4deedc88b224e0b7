"""A fact that asks for a worker rings by itself: once, after its commit, and otherwise never."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import structlog

from core.errors import LeaseLostError
from db.facts import Fact, Reason
from db.recorder import record, record_all_in, record_in
from db.session import transaction
from tests.factories import column, new_task
from workflow import doorbell

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from workflow.doorbell import Ring


@pytest.fixture
async def task(database: asyncpg.Connection, rings: list[Ring]) -> UUID:
    """A task that was rung for once, when it was asked for."""
    task = await new_task()
    (first,) = rings
    assert (first.task_id, first.reason, first.first) == (task, Reason.GENERATE, True)
    rings.clear()
    return task


async def test_rings_after_the_commit(
    database: asyncpg.Connection, task: UUID, rings: list[Ring]
) -> None:
    """Nothing is rung before the commit; the ring then bears the time that the row remembers."""
    async with transaction() as tx:
        await record_in(tx, Fact(task_id=task, rings=Reason.RESUME))
        assert rings == []
    (ring,) = rings
    assert (ring.task_id, ring.reason, ring.first) == (task, Reason.RESUME, False)
    assert ring.at == await column(database, task, "rung_at")


async def test_what_was_not_committed_rings_nothing(task: UUID, rings: list[Ring]) -> None:
    """Neither a transaction that was taken back nor a fact that was refused asks for a worker."""

    async def taken_back() -> None:
        async with transaction() as tx:
            await record_in(tx, Fact(task_id=task, rings=Reason.RESUME))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await taken_back()
    refused = Fact(task_id=task, epoch=9, rings=Reason.RESUME)
    with pytest.raises(LeaseLostError):
        await record(refused)
    async with transaction() as tx:
        outcomes = await record_all_in(tx, [refused, Fact(task_id=task)])
    assert isinstance(outcomes[0], LeaseLostError)
    assert rings == []


async def test_facts_that_are_committed_together_ring_each(
    task: UUID, rings: list[Ring], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ring is sent in the context of the request that led to its fact, whoever wrote it."""
    others = [await new_task() for _ in range(9)]
    heard: dict[UUID, object] = {}

    def bell(ring: Ring) -> None:
        heard[ring.task_id] = structlog.contextvars.get_contextvars().get("request_id")

    async def tell(task: UUID) -> None:
        with structlog.contextvars.bound_contextvars(request_id=task):
            await record(Fact(task_id=task, rings=Reason.RETRY))

    monkeypatch.setattr(doorbell, "_bell", bell)
    await asyncio.gather(*map(tell, (task, *others)))
    assert heard == {each: each for each in (task, *others)}
