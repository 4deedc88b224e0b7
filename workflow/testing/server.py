"""The database of a process's labs: a real PostgreSQL, started once and gone with the process."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from core.choices import Pooler
from core.loop_local import ProcessLocal
from core.settings import Settings, settings_instead

_PREFIX: Final = "roadmap-lab-"
_CONNECTIONS: Final = 200
_YOUNG_S: Final = 600.0
"""A folder of this age may belong to a server that is only starting."""


def lab_settings(url: str, **changed: object) -> Settings:
    """Return what counts in a lab: the defaults, nothing of the environment's, and no waiting."""
    fixed = {
        "database_url": url,
        "database_pooler": Pooler.NONE,
        "sample_latency_s": 0,
        "user_max_waiting_tasks": 0,
        "task_max_retries_per_day": 0,
    }
    return Settings.model_validate({**fixed, **changed})


async def database(given: str | None) -> str:
    """Return the address of a migrated database for labs.

    Args:
        given: The address of a server to use; the database is made there, beside what it has, and
            dropped at the end of the process. None starts a server of the process's own.
    """
    if given is None:
        return await asyncio.to_thread(_own.get)
    if given not in _made:
        _made[given] = await asyncio.to_thread(_make_in, given)
    return _made[given]


_made: Final[dict[str, str]] = {}


def _start() -> str:
    from embedded import EmbeddedPostgres  # only who has no server needs it

    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    server = EmbeddedPostgres(folder, max_connections=_CONNECTIONS, durable=False)

    def stop() -> None:
        if os.getpid() == process:  # a forked child has the same list of what to do at its end
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)

    process = os.getpid()
    atexit.register(stop)
    server.start(timeout_s=90)
    _migrate(server.url)
    return server.url


_own: Final = ProcessLocal(_start)


def _sweep() -> None:
    """Remove what processes left that were killed; their servers died with them."""
    from embedded.locks import try_lock

    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime < _YOUNG_S:
                continue
            lock = try_lock(folder / "postgres.alive")
        except OSError:
            continue  # somebody else's, or gone meanwhile
        if lock is not None:
            os.close(lock)
            shutil.rmtree(folder, ignore_errors=True)


def _migrate(url: str) -> None:
    from db.migrate import upgrade  # it takes a second to import

    with settings_instead(lab_settings(url)):
        upgrade()


def _make_in(given: str) -> str:
    name = f"roadmap_lab_{uuid4().hex[:12]}"
    asyncio.run(_execute(given, f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))
    process = os.getpid()

    def drop() -> None:
        if os.getpid() == process:
            asyncio.run(_execute(given, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    atexit.register(drop)
    url = urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
    _migrate(url)
    return url


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
