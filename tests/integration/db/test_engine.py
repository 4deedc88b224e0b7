"""The engine cache: one engine per event loop, within the budget, leaving nothing behind."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import asyncpg
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.connection_budget import (
    LARGEST_POOL,
    SMALLEST_POOL,
    check_budget,
    fits,
    has_room_for_life,
    needed,
    pool_size,
)
from core.errors import SettingsError
from core.settings import get_settings, load_settings
from db import engine as engines
from db.engine import (
    cleanup_unused_engines,
    dispose_engine,
    get_engine,
    get_pool_status,
    init_db,
)
from db.pool_metrics import ENGINES
from db.session import (
    AsyncSessionLocal,
    get_session_maker,
    is_transient,
    read_session,
    retrying,
    transaction,
)
from tests.factories import new_task, until

if TYPE_CHECKING:
    from embedded import EmbeddedPostgres
    from tests.integration.db.conftest import Wire


async def ask(number: int = 1) -> int:
    """Ask the database for a number and its backend for nothing else."""
    async with AsyncSessionLocal() as session:
        return int(await session.scalar(text("SELECT CAST(:n AS int)"), {"n": number}) or 0)


async def backends(connection: asyncpg.Connection) -> list[str]:
    """Return the states of our connections, as the server sees them."""
    rows = await connection.fetch(
        "SELECT state FROM pg_stat_activity WHERE application_name = 'roadmap-worker'"
    )
    return [str(row["state"]) for row in rows]


async def _no_backend(connection: asyncpg.Connection) -> bool:
    return await backends(connection) == []


async def test_the_isolation_of_others_is_not_ours(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A role or database whose transactions are serializable refuses nobody who waited."""
    url = get_settings().database_url.get_secret_value()
    strict = "options=-cdefault_transaction_isolation%3Dserializable"
    settings_env.setenv("ROADMAP_DATABASE_URL", f"{url}{'&' if '?' in url else '?'}{strict}")
    get_settings.cache_clear()
    task = await new_task()
    touch = text("UPDATE roadmap_tasks SET goal = goal || '!' WHERE task_id = :task")
    try:
        async with read_session() as session:  # each by itself; the next one is a transaction again
            assert await session.scalar(text("SHOW transaction_isolation")) == "serializable"
        async with transaction() as first, transaction() as second:
            await second.session.execute(text("SELECT 1"))
            await first.session.execute(touch, {"task": task})
            waiting = asyncio.create_task(second.session.execute(touch, {"task": task}))
            await asyncio.sleep(0.1)
            await first.session.commit()
            await waiting
    finally:
        await dispose_engine()


async def test_two_loops_at_once(database: asyncpg.Connection) -> None:
    """Two loops in one process each use an engine of their own, 100 queries interleaved."""
    barrier = threading.Barrier(2)

    async def work() -> tuple[list[int], int]:
        engine = get_engine()
        barrier.wait()
        answers = await asyncio.gather(*(ask(n) for n in range(100)))
        assert get_engine() is engine
        await dispose_engine()
        return answers, id(engine)

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(lambda: asyncio.run(work())) for _ in range(2)]
        found = await asyncio.gather(*map(asyncio.wrap_future, futures))
    assert [answers for answers, _ in found] == [list(range(100))] * 2
    assert found[0][1] != found[1][1]


async def test_loops_in_a_row(database: asyncpg.Connection) -> None:
    """Ten loops in a row, each disposing its engine, leave no engine and no connection."""
    before = ENGINES._value.get()

    async def work() -> int:
        try:
            return await ask(7)
        finally:
            await dispose_engine()

    for _ in range(10):
        assert await asyncio.to_thread(asyncio.run, work()) == 7
    assert ENGINES._value.get() == before
    assert await cleanup_unused_engines() == 0
    await until(lambda: _no_backend(database), what="no connection")


async def test_dispose(database: asyncpg.Connection) -> None:
    """An engine that was disposed leaves no connection on the server; disposing twice is fine."""
    await asyncio.gather(*(ask() for _ in range(30)))
    assert await backends(database)
    await dispose_engine()
    await dispose_engine()
    await until(lambda: _no_backend(database), what="no connection")


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.filterwarnings(  # the untidy loop is the test
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
async def test_loop_closed_without_dispose(
    database: asyncpg.Connection, new_loop: type[asyncio.AbstractEventLoop]
) -> None:
    """The engine of a loop that was just closed is swept and its sockets end on the server."""
    await ask()
    mine = len(await backends(database))

    def untidy() -> None:
        loop = new_loop()
        loop.run_until_complete(asyncio.wait_for(_several(3), 10))
        loop.close()

    await asyncio.to_thread(untidy)
    assert await cleanup_unused_engines() == 1
    assert await cleanup_unused_engines() == 0

    async def only_mine() -> bool:
        return len(await backends(database)) == mine

    await until(only_mine, what="the end of the dead loop's connections")
    assert await ask(5) == 5
    gc.collect()  # what was left open complains here, not in the next test


async def _several(number: int) -> None:
    await asyncio.gather(*(ask() for _ in range(number)))


async def test_new_loop_sweeps_dead_ones(database: asyncpg.Connection) -> None:
    """A new loop's first look-up sweeps dead loops' engines without being asked."""

    async def untidy() -> None:
        get_engine()

    for _ in range(5):
        await asyncio.to_thread(asyncio.run, untidy())
    assert len(engines._engines) <= 2
    await cleanup_unused_engines()


FORK = """
import asyncio, os, sys
from sqlalchemy import text
from db.engine import dispose_engine, get_engine
from db.pool_metrics import ENGINES
from db.session import AsyncSessionLocal

async def backend():
    async with AsyncSessionLocal() as session:
        return await session.scalar(text("SELECT pg_backend_pid()"))

async def child():
    try:
        return await backend()
    finally:
        await dispose_engine()

async def parent():
    mine, engine = await backend(), get_engine()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            asyncio._set_running_loop(None)
            assert ENGINES._value.get() == 0
            os.write(writer, str(asyncio.run(asyncio.wait_for(child(), 10))).encode())
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
    _, status = await asyncio.to_thread(os.waitpid, pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    theirs = int(os.read(reader, 20))
    assert theirs != mine, "the child used its parent's connection"
    assert get_engine() is engine
    assert await backend() == mine, "the child closed its parent's connection"
    await dispose_engine()

asyncio.run(parent())
"""


async def test_fork(database: asyncpg.Connection) -> None:
    """A forked child makes an engine of its own and leaves its parent's alone."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", FORK],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@given(st.integers(1, 2000), st.integers(1, 200))
def test_budget(budget: int, processes: int) -> None:
    """The sum of all pools stays within the budget, a reserve kept for people."""
    settings = load_settings(database_max_connections=budget, database_processes=processes)
    size = pool_size(settings)
    assert SMALLEST_POOL <= size <= LARGEST_POOL
    if fits(budget, processes):
        check_budget(settings)
        assert (size + has_room_for_life(settings)) * processes < needed(settings) <= budget
    else:
        with pytest.raises(SettingsError, match=f"DATABASE_MAX_CONNECTIONS={budget} "):
            check_budget(settings)


async def test_pool_is_the_limit(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """However much is asked at once, a process opens no more than its share."""
    settings_env.setenv("ROADMAP_DATABASE_MAX_CONNECTIONS", "20")
    get_settings.cache_clear()
    await dispose_engine()
    share = pool_size(get_settings())
    assert share == 3, "a fourth is for the lock of its life"
    most = 0

    async def slow() -> None:
        nonlocal most
        async with AsyncSessionLocal() as session:
            await session.execute(text("SELECT pg_sleep(0.005)"))
            most = max(most, (await get_pool_status())["checked_out"])

    await asyncio.gather(*(slow() for _ in range(100)))
    assert most == share
    assert len(await backends(database)) == share
    status = await get_pool_status()
    assert (status["checked_out"], status["overflow"], status["pool_size"]) == (0, 0, share)


async def test_cancelled_sessions(database: asyncpg.Connection) -> None:
    """500 sessions cancelled at random moments leak no connection and spoil none."""
    chance = random.Random(4711)

    async def work() -> None:
        async with transaction() as tx:
            await tx.session.execute(text("SELECT pg_sleep(0.002)"))
            await tx.session.execute(text("SELECT 1"))
        async with read_session() as session:
            await session.execute(text("SELECT pg_sleep(0.002)"))

    for _ in range(25):
        tasks = [asyncio.create_task(work()) for _ in range(20)]
        await asyncio.sleep(chance.uniform(0, 0.02))
        for task in tasks:
            task.cancel()
            if chance.random() < 0.3:
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def at_rest() -> bool:
        return bool((await get_pool_status())["checked_out"] == 0)

    await until(at_rest, what="an empty pool")
    assert await asyncio.gather(*(ask(n) for n in range(50))) == list(range(50))
    states = await backends(database)
    assert len(states) <= pool_size(get_settings())
    assert set(states) == {"idle"}


async def test_disposed_and_made_anew(database: asyncpg.Connection) -> None:
    """Sessions follow the loop's engine when it is disposed and made anew."""
    assert await ask(1) == 1
    first = get_engine()
    await dispose_engine()
    assert await ask(2) == 2
    assert get_engine() is not first
    assert get_session_maker().kw["bind"] is get_engine()
    async with AsyncSessionLocal() as session:
        assert session.bind is get_engine()


async def test_terminated_while_idle(database: asyncpg.Connection) -> None:
    """Connections that the server closed meanwhile are replaced before anybody notices."""
    await _several(5)
    await database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'roadmap-worker'"
    )
    answers = await asyncio.gather(*(retrying(partial(ask, n)) for n in range(20)))
    assert answers == list(range(20))


async def test_terminated_and_not_closed_yet(mortal: EmbeddedPostgres, wire: Wire) -> None:
    """A connection whose last words were read before its end was is a lost one, not a fault."""
    await ask()
    wire.held.set()  # the client's side of what the server closes stays open
    other = await asyncpg.connect(mortal.url)
    await other.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'roadmap-worker'"
    )
    await other.close()
    await wire.ended.wait()
    for _ in range(10):
        await asyncio.sleep(0)  # the driver reads what it was sent
    with pytest.raises(DBAPIError, match="another operation") as refused:
        await ask()
    assert is_transient(refused.value)
    wire.held.clear()
    assert await ask(2) == 2


async def test_session_settings(database: asyncpg.Connection) -> None:
    """Each connection is in UTC and gives up by itself: statements, locks, idle transactions."""
    async with read_session() as session:
        for name, value in {
            "timezone": "UTC",
            "statement_timeout": "8s",
            "lock_timeout": "5s",
            "idle_in_transaction_session_timeout": "15s",
        }.items():
            assert await session.scalar(text(f"SHOW {name}")) == value


def test_no_loop_no_engine(settings_env: pytest.MonkeyPatch) -> None:
    """Outside a loop there is no engine: one made at import would belong to nobody."""
    with pytest.raises(RuntimeError):
        get_engine()


async def test_wrong_address(settings_env: pytest.MonkeyPatch) -> None:
    """A wrong address shows at start."""
    settings_env.setenv("ROADMAP_DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/none")
    get_settings.cache_clear()
    with pytest.raises(OSError, match=r"127\.0\.0\.1"):
        await init_db()
    await dispose_engine()


async def test_commit_hooks(database: asyncpg.Connection) -> None:
    """What waits for a commit runs after it, in order, and never when it did not happen."""
    ran: list[int] = []
    async with transaction() as tx:
        tx.on_commit(lambda: ran.append(1))
        tx.on_commit(lambda: ran.append(2))
        assert ran == []
    assert ran == [1, 2]

    async def fails() -> None:
        async with transaction() as tx:
            tx.on_commit(lambda: ran.append(3))
            raise KeyError

    with pytest.raises(KeyError):
        await fails()
    assert ran == [1, 2]
