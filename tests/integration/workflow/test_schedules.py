"""Maintenance jobs as data: one run at a time, when it is due, remembered."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from core.errors import NotFoundError
from core.jobs import JOBS
from watching.queries import job_ages
from workflow.schedules import get_schedule, list_schedules, run_job, set_paused

if TYPE_CHECKING:
    import asyncpg


async def work() -> dict[str, Any]:
    """Do nothing, and report it."""
    return {"ran": 1}


async def outcome(connection: asyncpg.Connection, name: str) -> Any:
    """Return what a job reported the last time."""
    row = await connection.fetchrow("SELECT * FROM schedules WHERE name = $1", name)
    return row and (orjson.loads(row["outcome"]), row["last_run_at"], row["duration_s"])


async def test_one_run_at_a_time(database: asyncpg.Connection) -> None:
    """Of two schedulers at the same moment one runs a job; other jobs are not held up."""
    running, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> dict[str, Any]:
        running.set()
        await go_on.wait()
        return {"ran": 1}

    async def quick() -> dict[str, Any]:
        return {"ran": 2}

    first = asyncio.create_task(run_job("purge", slow, scheduled=True))
    await running.wait()
    assert await run_job("purge", quick, scheduled=False) is None
    assert await run_job("audit", quick, scheduled=True) == {"ran": 2}
    go_on.set()
    assert await first == {"ran": 1}
    reported, last_run, took = await outcome(database, "purge")
    assert (reported, last_run is not None) == ({"ran": 1}, True)
    assert took >= 0
    assert await run_job("purge", quick, scheduled=False) == {"ran": 2}
    assert (await outcome(database, "purge"))[0] == {"ran": 2}


async def test_failure_is_remembered(database: asyncpg.Connection) -> None:
    """A job that fails says so in its outcome, and runs again the next time."""

    async def fails() -> dict[str, Any]:
        raise KeyError

    assert await run_job("recover", fails, scheduled=True) == {"error": "KeyError"}
    assert (await outcome(database, "recover"))[0] == {"error": "KeyError"}


async def test_paused(database: asyncpg.Connection) -> None:
    """A paused job does not run, and stays paused."""
    await database.execute("INSERT INTO schedules (name, paused) VALUES ('remind', true)")

    async def never() -> dict[str, Any]:
        raise AssertionError

    assert await run_job("remind", never, scheduled=True) is None
    assert await database.fetchval("SELECT paused FROM schedules")


async def test_two_schedulers_one_effect(database: asyncpg.Connection) -> None:
    """However many schedulers ask in an interval, and in whatever phase, a job runs once."""
    assert await run_job("remind", work, scheduled=True) == {"ran": 1}
    due = (await get_schedule("remind")).next_run_at
    for earlier_s in (1, 30, 40):  # as if so much of its minute were over
        await database.execute(
            "UPDATE schedules SET next_run_at = $1::timestamptz - make_interval(secs => $2)",
            due,
            earlier_s,
        )
        assert await run_job("remind", work, scheduled=True) is None
    await database.execute("UPDATE schedules SET next_run_at = now() + interval '1 second'")
    assert await run_job("remind", work, scheduled=True) == {"ran": 1}, "schedulers are not exact"
    planned = await database.fetchval("SELECT next_run_at - now() FROM schedules")
    assert 58 < planned.total_seconds() < 61.5, "it keeps its beat"


async def test_what_was_missed_is_done_once(database: asyncpg.Connection) -> None:
    """After a long stop a job runs once, and is due again an interval from then."""
    await database.execute(
        "INSERT INTO schedules (name, next_run_at) VALUES ('purge', now() - interval '3 days')"
    )
    assert await run_job("purge", work, scheduled=True) == {"ran": 1}
    assert await run_job("purge", work, scheduled=True) is None
    planned = await database.fetchval("SELECT next_run_at - now() FROM schedules")
    assert 3590 < planned.total_seconds() <= 3600


async def test_a_clock_that_was_ahead_stops_no_job(database: asyncpg.Connection) -> None:
    """What was planned by a clock that was put back since runs now, and keeps its beat from now."""
    for name, job in JOBS.items():
        await database.execute(
            "INSERT INTO schedules (name, next_run_at) VALUES ($1, now() + interval '1 day')", name
        )
        assert await run_job(name, work, scheduled=True) == {"ran": 1}, name
        assert await run_job(name, work, scheduled=True) is None, name
        planned = await database.fetchval(
            "SELECT next_run_at - now() FROM schedules WHERE name = $1", name
        )
        assert planned.total_seconds() <= job.interval_s, name


async def test_the_age_of_a_run_in_the_future_is_unknown(database: asyncpg.Connection) -> None:
    """After the clock was put back a job that does not run alerts at once, not when it is again."""
    await database.execute(
        "INSERT INTO schedules (name, last_run_at) VALUES ('recover', now() + interval '1 hour'),"
        " ('audit', now() + interval '1 s'), ('purge', now() - interval '1 hour')"
    )
    ages = await job_ages()
    assert (ages["recover"], ages["remind"], ages["audit"]) == (math.inf, math.inf, 0)
    assert 3600 <= ages["purge"] < 3660


async def test_a_manual_run_changes_nothing_else(database: asyncpg.Connection) -> None:
    """A run on request is remembered; when the job is due, and that it is paused, stays."""
    await run_job("audit", work, scheduled=True)
    await set_paused("audit", paused=True)
    before = await database.fetchrow("SELECT * FROM schedules")

    async def other() -> dict[str, Any]:
        return {"ran": 2}

    assert await run_job("audit", other, scheduled=False) == {"ran": 2}
    after = await database.fetchrow("SELECT * FROM schedules")
    assert before
    assert after
    assert (after["paused"], after["next_run_at"]) == (True, before["next_run_at"])
    assert after["last_run_at"] > before["last_run_at"]
    assert (await get_schedule("audit")).outcome == {"ran": 2}


async def test_jobs_are_visible_before_they_ran(database: asyncpg.Connection) -> None:
    """Every job is listed from the beginning, with what it does and when it is due."""
    views = await list_schedules()
    assert {view.name for view in views} == set(JOBS)
    assert all(view.description and view.next_run_at and not view.paused for view in views)
    assert not any(view.last_run_at for view in views)


async def test_paused_jobs_have_no_next_run(database: asyncpg.Connection) -> None:
    """A paused job says so and is due again when it is resumed; twice is the same as once."""
    for paused in (True, True, False, False):
        view = await set_paused("maintenance.purge", paused=paused)
        assert (view.paused, view.next_run_at is None) == (paused, paused)


async def test_an_unknown_job(database: asyncpg.Connection) -> None:
    """A name that no job has is refused, and nothing is written."""
    with pytest.raises(NotFoundError):
        await set_paused("nothing", paused=True)
    assert await database.fetchval("SELECT count(*) FROM schedules") == 0
