"""Whoever gets hold of a process's address can read and write rows, and nothing else."""

from __future__ import annotations

import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
import redis

from embedded import EmbeddedPostgres, EmbeddedRedis
from embedded.postgres_binaries import find_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROLES = Path(__file__).parents[3] / "deploy" / "roles.sql"
EARLIER = """
    CREATE TYPE mood AS ENUM ('good');
    CREATE TABLE kept (id serial PRIMARY KEY, other bigint GENERATED ALWAYS AS IDENTITY, m mood);
    CREATE VIEW seen AS SELECT * FROM kept;
    CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
    INSERT INTO kept DEFAULT VALUES;
"""
REFUSED = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedFileError,
    asyncpg.FeatureNotSupportedError,  # there is no such extension on this machine
)
FORBIDDEN = (
    "COPY kept FROM PROGRAM 'id'",
    "COPY kept TO PROGRAM 'cat'",
    "COPY kept FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "CREATE TABLE mine (id int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "CREATE DATABASE mine",
    "CREATE ROLE mine",
    "CREATE EXTENSION dblink",
    "ALTER TABLE kept ADD mine int",
    "ALTER SYSTEM SET archive_command = 'id'",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "SET ROLE roadmap_owner",
    "SET session_replication_role = replica",
    "DROP TABLE kept",
    "TRUNCATE kept",
    "SELECT * FROM pg_authid",
)
ALLOWED = (
    "INSERT INTO kept DEFAULT VALUES",
    "UPDATE kept SET m = 'good'",
    "SELECT * FROM seen, one()",
    "DELETE FROM kept WHERE id = 1",
    "LISTEN channel",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: ISC004 - one statement
    " WHERE pid <> pg_backend_pid() AND usename = current_user",
)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect for a moment."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture(scope="module", params=["embedded", "by hand"])
def postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedPostgres]:
    """A server with the roles over the data of a release that had none, made in either way."""
    folder = tmp_path_factory.mktemp("roles")
    with EmbeddedPostgres(folder) as before:
        _psql(before.url, "-c", EARLIER)
    embedded = request.param == "embedded"
    with EmbeddedPostgres(folder, roles=embedded) as server:
        if not embedded:
            passwords = {"owner": server.owner_url, "app": server.application_url}
            words = [f"{name}_password={_password(url)}" for name, url in passwords.items()]
            _psql(server.url, "-v", words[0], "-v", words[1], "-f", str(ROLES))
        yield server


def _password(url: str) -> str:
    return url.split("@", maxsplit=1)[0].rsplit(":", 1)[1]


def _psql(url: str, *words: str) -> None:
    psql = find_postgres(None, account=None, major=None).psql
    subprocess.run([psql, "--no-psqlrc", "-q", url, *words], check=True, capture_output=True)


async def test_the_application_reads_and_writes_rows_only(postgres: EmbeddedPostgres) -> None:
    """No program, no file, no table, no role of the server can be had through its address."""
    async with connected(postgres.application_url) as application:
        for statement in ALLOWED:
            await application.execute(statement)
        for statement in FORBIDDEN:
            with pytest.raises(REFUSED):
                await application.execute(statement)
    elsewhere = postgres.application_url.rsplit("/", 1)[0] + "/postgres"
    if postgres._roles:  # by hand, other databases are not touched
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(elsewhere)


async def test_the_owner_migrates_and_the_application_sees_it(postgres: EmbeddedPostgres) -> None:
    """The owner changes old tables and makes new ones, is no superuser, and rows stay readable."""
    async with connected(postgres.owner_url) as owner:
        await owner.execute("ALTER TABLE kept ADD COLUMN added int; CREATE TABLE fresh (id serial)")
        await owner.execute("ALTER TYPE mood ADD VALUE 'bad'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute("COPY kept FROM PROGRAM 'id'")
    async with connected(postgres.application_url) as application:
        await application.execute("INSERT INTO fresh DEFAULT VALUES")
        assert await application.fetchval("SELECT count(*) FROM fresh") == 1


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A Redis with its users."""
    with EmbeddedRedis(tmp_path_factory.mktemp("users")) as server:
        yield server


@pytest.mark.parametrize("user", ["broker", "publisher", "reader"])
def test_no_process_may_change_redis(store: EmbeddedRedis, user: str) -> None:
    """Nobody's process may empty it, configure it, look at others' secrets or cut others off."""
    with redis.Redis.from_url(store.url_of(user)) as client:
        for words in (
            ("FLUSHALL",),
            ("FLUSHDB",),
            ("CONFIG", "SET", "dir", "/tmp"),  # noqa: S108 - what an attack begins with
            ("CONFIG", "GET", "requirepass"),
            ("ACL", "LIST"),
            ("ACL", "SETUSER", "mine", "on", "nopass", "+@all"),
            ("MODULE", "LIST"),
            ("SHUTDOWN", "NOSAVE"),
            ("REPLICAOF", "127.0.0.1", "1"),
            ("KEYS", "*"),
            ("MONITOR",),
            ("CLIENT", "KILL", "TYPE", "normal"),
            ("SAVE",),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*words)


def test_each_process_has_its_own_part_of_redis(store: EmbeddedRedis) -> None:
    """Only the broker's user touches queues; those of live events have their own channels."""
    for user in ("publisher", "reader"):
        with redis.Redis.from_url(store.url_of(user)) as client:
            client.publish("task_progress:1", "x")
            for words in (
                ("LPUSH", "roadmap", "x"),
                ("LRANGE", "roadmap", "0", "1"),
                ("PUBLISH", "/0.celery.pidbox", "x"),
            ):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*words)
    with redis.Redis.from_url(store.url_of("broker")) as broker:
        broker.lpush("roadmap", "x")
    with redis.Redis.from_url(store.url) as everything:
        assert everything.client_list()
        everything.flushall()
