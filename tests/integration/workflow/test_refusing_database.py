"""A PostgreSQL that answers and refuses: read-only, full, without entry. Nobody's work is lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import DBAPIError

from core.errors import ServiceUnavailableError
from db import recorder
from db.session import is_transient
from tests.factories import column, events, new_task, until
from tests.ledger import nothing
from workflow.ending import Result
from workflow.runs import run_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from llm import Call
    from tests.ledger import LedgerAuthor


@asynccontextmanager
async def read_only(database: asyncpg.Connection) -> AsyncIterator[None]:
    """Let the database be read only for everybody who connects, as after a switch-over."""
    name = await database.fetchval("SELECT current_database()")
    cut = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await database.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await database.execute(cut)
    try:
        yield
    finally:
        await database.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await database.execute(cut)


async def test_running_work_is_given_back(
    database: asyncpg.Connection, author: LedgerAuthor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose writes are refused for a while is no lost one, and its task goes on."""
    monkeypatch.setattr(recorder, "PATIENT_TRIES", 2)
    task = await new_task()
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def hold(_call: Call[Any]) -> None:
        asked.set()
        await may_answer.wait()

    author.before = hold
    run = asyncio.create_task(run_task(task, worker="w"))
    await asked.wait()
    async with read_only(database):
        may_answer.set()
        assert await asyncio.wait_for(run, 10) is Result.INTERRUPTED
        with pytest.raises(ServiceUnavailableError):
            await new_task()

    async def given_back() -> bool:
        return await column(database, task, "lease_owner") is None

    await until(given_back, what="a task that was given back")
    assert await column(database, task, "losses") == 0
    author.before = nothing
    assert await run_task(task, worker="v") is Result.COMPLETED
    assert "task_recovered" not in await events(database, task)


class _Refusal(Exception):  # noqa: N818 - the driver's, as far as we look at it
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "passes"),
    [
        ("28P01", True),  # the password was changed
        ("28000", True),  # pg_hba.conf
        ("3D000", True),  # the database is being restored
        ("53100", True),  # disk full
        ("53300", True),
        ("58030", True),  # the disk fails
        ("25006", True),
        ("57P03", True),  # starting up, in recovery
        ("42501", False),
        ("23505", False),
        ("22P02", False),
        ("XX000", False),
    ],
)
def test_what_passes(sqlstate: str, passes: bool) -> None:  # noqa: FBT001 - a parameter
    """What the server is the reason for may pass; what is wrong with a statement does not."""
    assert is_transient(DBAPIError(None, None, _Refusal(sqlstate))) is passes
