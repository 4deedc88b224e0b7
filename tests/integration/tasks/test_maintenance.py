"""What is done for ever, also where nothing happens, costs little."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import asyncpg

from core.jobs import JobName
from core.settings import get_settings
from tasks import maintenance
from tasks.maintenance import _recover, purge_task, recover_task
from tests.examined import every_statement
from workflow.presence import Presence
from workflow.recovery import look_around
from workflow.schedules import run_job

if TYPE_CHECKING:
    import pytest
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


async def test_a_database_that_lets_nobody_in_is_an_outage(
    database: asyncpg.Connection, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the server starts up or refuses everybody, a job is left out with the reason."""
    told: list[str] = []
    log = SimpleNamespace(warning=lambda event, **_: told.append(event))
    monkeypatch.setattr(maintenance, "log", log)
    name = await database.fetchval("SELECT current_database()")
    address = urlsplit(get_settings().database_url.get_secret_value())
    elsewhere = address._replace(scheme="postgresql", path="/postgres").geturl()
    admin = await asyncpg.connect(elsewhere)
    try:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await database.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for job in (recover_task, purge_task):
            assert await job.run.__wrapped__(None, scheduled=True) is None
    finally:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await admin.close()
    assert await recover_task.run.__wrapped__(None) is not None
    assert told.count("job_left_out") == 2
