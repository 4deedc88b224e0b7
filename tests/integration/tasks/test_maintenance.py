"""What is done for ever, also where nothing happens, costs little."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from core.jobs import JobName
from tasks.maintenance import _recover
from tests.examined import every_statement
from workflow.presence import Presence
from workflow.recovery import look_around
from workflow.schedules import run_job

if TYPE_CHECKING:
    import asyncpg
    from redis.asyncio import Redis

SENT: Final = 4
"""The lock, the plan, the look, and how it went; a transaction's ends are not among them."""


async def test_an_idle_sweep_asks_four_questions(
    database: asyncpg.Connection, redis: Redis
) -> None:
    """It is planned, looks once at all that there may be to do, finds nothing, and is noted."""
    for _ in range(2):  # the first one notes the figures of the minute, unless that is over then
        await database.execute("UPDATE schedules SET next_run_at = NULL")
        with every_statement() as sent:
            done = await run_job(JobName.RECOVER, _recover, scheduled=True)
    assert done == {"recovered": 0, "given_up": 0, "rung": 0}
    questions = {text for text, _ in sent if text.split()[0] in {"SELECT", "INSERT", "UPDATE"}}
    assert len(questions) == SENT, questions
    assert (await look_around()).noted


async def test_a_worker_of_the_future_is_seen(database: asyncpg.Connection, redis: Redis) -> None:
    """The database's clock was put back: the sweep says so once, and mends it."""
    worker = Presence(name="w", slots=1, spare=0, incarnation="first")
    await worker.begin()
    try:
        assert not (await look_around()).ahead
        await database.execute("UPDATE workers SET seen_at = now() + $1", timedelta(hours=1))
        assert (await look_around()).ahead
        await _recover()
        assert not (await look_around()).ahead
    finally:
        await worker.end()
