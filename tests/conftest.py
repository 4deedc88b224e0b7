"""Real servers for every test that wants them: one pair per run, a clean database per test."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from compileall import compile_dir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import structlog
from hypothesis import settings as hypothesis_settings
from redis.asyncio import Redis

from core.given import PREFIX
from core.settings import get_settings
from embedded import EmbeddedPostgres, EmbeddedRedis
from roadmap_start.own import OURS
from tests.databases import commit_quickly, empty
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.factories import close_loop
from tests.prepared import copy_of, prepared_data, shared_by_processes
from wiring.common import bring_workflows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

ROOT = Path(__file__).parents[1]


# what Python compiles is kept, also where the environment says that it is not: else each of the
# hundreds of processes of a run would compile anew what it runs
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# as after the README's `export PATH=…`: hints then say `roadmap`, wherever this environment is
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
# time limits per example only measure how busy the machine is
hypothesis_settings.register_profile(
    "roadmap", hypothesis_settings(), deadline=None, max_examples=100 if WHOLE_SET else 30
)
hypothesis_settings.load_profile("roadmap")


bring_workflows()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile our modules once, before many processes want to at the same moment."""
    if not hasattr(session.config, "workerinput"):
        for folder in (*OURS, "clients/python/src", "tests"):
            compile_dir(ROOT / folder, quiet=2)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Let the garbage collector pass over what is collected: thousands of tests, which stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)  # xdist's
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files are handed out as `tests.scheduling` says."""
    if config.getvalue("dist") != "loadfile":
        return None
    from tests.scheduling import SlowFirst  # a run in one process needs no xdist

    return SlowFirst(config, log)


@pytest.fixture(scope="session", autouse=True)
def _loggers_listen() -> Iterator[None]:
    """Loggers look up their configuration each time, which cached ones do not, and draw quickly.

    `capture_logs` is deaf to cached ones.
    """
    configure = structlog.configure

    def uncached(**given: Any) -> None:
        configure(**{**given, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(structlog, "configure", uncached)
        # rich would draw each logged traceback with all variables: half a second of work each
        plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        uncached(processors=[*structlog.get_config()["processors"][:-1], plain])
        yield


@pytest.fixture
def fresh_logging() -> Iterator[None]:
    """Logging as it was before, afterwards."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    logging.captureWarnings(capture=False)  # an earlier test's
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a migrated database, to be copied."""
    return prepared_data(shared_by_processes(tmp_path_factory))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Iterator[str]:
    """A migrated database on a real PostgreSQL of this run's own, as its superuser."""
    folder = tmp_path_factory.mktemp("postgres") / "data"
    copy_of(prepared, folder)
    with EmbeddedPostgres(folder, max_connections=200, durable=False) as server:
        asyncio.run(_prepare(server.url))
        yield server.url


async def _prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await commit_quickly(connection)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of this run's own."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def settings_env(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment without our settings; `setenv` on what is given, then `get_settings()`."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(PREFIX + "SAMPLE_LATENCY_S", "0")
    get_settings.cache_clear()
    yield monkeypatch
    get_settings.cache_clear()


@pytest.fixture
async def database(
    postgres_url: str, settings_env: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Connection]:
    """An empty, migrated database that the settings point to; yields a connection to look in."""
    settings_env.setenv(PREFIX + "DATABASE_URL", postgres_url)
    get_settings.cache_clear()
    connection = await asyncpg.connect(postgres_url)
    await empty(connection)
    yield connection
    await connection.close()
    await close_loop()


@pytest.fixture
async def redis(redis_url: str, settings_env: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    """An empty Redis that the settings point to; yields a client."""
    settings_env.setenv(PREFIX + "REDIS_URL", redis_url)
    get_settings.cache_clear()
    client: Redis = Redis.from_url(redis_url, decode_responses=True)
    await client.flushall()
    yield client
    await client.aclose()
