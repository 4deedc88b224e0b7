"""Servers that answer and refuse: readiness and the doctor say what it is, not "no answer"."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from cli.data_dir import DataDir
from cli.postgres_checks import check_postgres
from cli.servers import Servers
from cli.service_checks import check_redis, check_workers
from core.settings import get_settings
from embedded import EmbeddedRedis
from tests.factories import a_worker_is_there, until
from tests.integration.api.conftest import bearer, in_process
from tests.integration.api.processes import running_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


NEW = "a-new-password"


@pytest.fixture
async def broken(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[EmbeddedRedis]:
    """A Redis that a test may break, and the settings that lead to it by two users."""
    await a_worker_is_there(database)
    with EmbeddedRedis(tmp_path) as server:
        settings_env.setenv("ROADMAP_REDIS_URL", server.url_of("reader"))
        settings_env.setenv("ROADMAP_BROKER_URL", server.url_of("broker"))
        get_settings.cache_clear()
        yield server


async def tell(server: EmbeddedRedis, *command: str) -> None:
    """Give a Redis a command, as its administrator."""
    async with Redis.from_url(server.url) as admin:
        untyped: Any = admin
        await untyped.execute_command(*command)


async def readiness() -> dict[str, Any]:
    """Ask an API of these settings, which has to say no; its one effect is `effect`."""
    async with in_process() as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        told: dict[str, Any] = answer.json()
        (told["effect"],) = told["effects"]
        return told


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("CONFIG SET maxmemory 1", "Redis is full (maxmemory): "),
        ("CONFIG SET min-replicas-to-write 1", "Redis has too few replicas, and takes no writes: "),
        ("REPLICAOF 127.0.0.1 1", "Redis is a replica, which takes no writes: "),
    ],
)
async def test_a_redis_that_takes_no_writes(broken: EmbeddedRedis, command: str, said: str) -> None:
    """It answers each PING, and no ring gets through: not ready, and the doctor says why."""
    await tell(broken, *command.split())
    told = await readiness()
    assert told["redis"] == "down"
    assert told["effect"].startswith(said)
    (found,) = await asyncio.to_thread(check_redis, broken.url, name="Redis")
    assert not found.ok
    assert found.message.startswith(said.removeprefix("Redis ").removesuffix(": "))


async def test_a_task_is_not_next_while_nobody_can_be_told(
    broken: EmbeddedRedis, jwt_mode: None
) -> None:
    """What keeps it from being taken is said in its line, and no longer than it does."""
    async with (
        running_api() as api,
        httpx.AsyncClient(base_url=api.address, headers=bearer()) as client,
    ):

        async def says(beginning: str) -> bool:
            (task,) = (await client.get("/api/v1/tasks")).json()["tasks"]
            # pages say a position's own words, and the message where there is none
            assert (task["line"]["position"] == 1) is task["line"]["message"].startswith("It is")
            return str(task["line"]["message"]).startswith(beginning)

        await tell(broken, "CONFIG", "SET", "maxmemory", "1")
        assert (await client.post("/api/v1/tasks", json={"goal": "Learn to sew"})).is_success
        full = "The broker is full (maxmemory), so no worker can be told of it;"
        await until(lambda: says(full))
        admin = bearer("root", role="admin")
        asked = await client.post("/api/v1/admin/schedules/purge/run", headers=admin)
        assert asked.status_code == 503
        assert asked.json()["detail"] == "The queue is full (maxmemory); try again shortly."
        await tell(broken, "CONFIG", "SET", "maxmemory", "0")
        await until(lambda: says("It is next"))


@pytest.mark.parametrize("user", ["reader", "broker"])
async def test_a_changed_password(broken: EmbeddedRedis, user: str) -> None:
    """It is told as such, whoever's it is: the one that follows events, or the broker's."""
    await tell(broken, "ACL", "SETUSER", f"roadmap-{user}", "resetpass", f">{NEW}")
    # a process of its own, whose Celery has the broker of these settings
    async with running_api() as api, httpx.AsyncClient(base_url=api.address) as client:
        answer = await client.get("/readyz")
        serving = await client.get("/readyz?exclude=redis")
    assert (answer.status_code, serving.status_code) == (503, 200)
    (effect,) = answer.json()["effects"]
    assert effect.startswith("Redis does not let us in: name or password (was it changed?)")
    assert NEW not in effect
    if user == "broker":
        found = await asyncio.to_thread(check_workers, broken.url_of("broker"))
        assert found.message.startswith("the broker does not let us in")


async def test_a_read_only_database(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """Nothing could be accepted, though every question is answered."""
    await a_worker_is_there(database)
    url = get_settings().database_url.get_secret_value()
    between = "&" if "?" in url else "?"
    url += f"{between}options=-cdefault_transaction_read_only%3Don"
    settings_env.setenv("ROADMAP_DATABASE_URL", url)
    get_settings.cache_clear()
    told = await readiness()
    assert told["postgresql"] == "down"
    assert told["effect"].startswith("PostgreSQL is read-only: nothing is accepted")
    found = await asyncio.to_thread(check_postgres, url, get_settings())
    (writes,) = (each for each in found if each.name == "database writes")
    assert (writes.ok, writes.required) == (False, True)


@pytest.mark.usefixtures("database")
async def test_tables_that_the_search_path_does_not_name() -> None:
    """The doctor says where they are rather than only to make new ones."""
    url = get_settings().database_url.get_secret_value()
    url += f"{'&' if '?' in url else '?'}search_path=pg_catalog"
    found = await asyncio.to_thread(check_postgres, url, get_settings())
    (migrations,) = (each for each in found if each.name == "migrations")
    assert not migrations.ok
    assert "tables of ours are in the schema public" in migrations.message
    assert "?search_path=public" in migrations.message


async def test_a_role_with_few_connections(database: asyncpg.Connection) -> None:
    """The doctor and the operations page know the role's own limit, and the database's."""
    url = urlsplit(get_settings().database_url.get_secret_value())
    base = url.path.removeprefix("/")
    short = f"{url.scheme}://short:word@{url.hostname}:{url.port}{url.path}"
    await database.execute(
        "CREATE ROLE short LOGIN PASSWORD 'word' CONNECTION LIMIT 7;"
        f'GRANT pg_read_all_data TO short; GRANT CONNECT ON DATABASE "{base}" TO short'
    )
    held: list[asyncpg.Connection] = []
    try:
        assert await connections(short) == (False, "the server admits 7,")
        await database.execute(f'ALTER DATABASE "{base}" CONNECTION LIMIT 5')
        assert await connections(short) == (False, "the server admits 5,")
        await database.execute("ALTER ROLE short CONNECTION LIMIT 1")
        held.append(await asyncpg.connect(short.replace("+asyncpg", "")))
        (found,) = await asyncio.to_thread(check_postgres, short, get_settings())
        assert found.message.startswith("has no connection left for us: too many connections for")
        assert "CONNECTION LIMIT" in found.message
    finally:
        for connection in held:
            await connection.close()
        await database.execute(f'ALTER DATABASE "{base}" CONNECTION LIMIT -1')
        await database.execute("DROP OWNED BY short; DROP ROLE short")


async def connections(url: str) -> tuple[bool, str]:
    """Return what the doctor thinks of the connections that there may be."""
    found = await asyncio.to_thread(check_postgres, url, get_settings())
    (told,) = (each for each in found if each.name == "database connections")
    return told.ok, told.message[: told.message.index(" our budget")]


async def test_a_database_without_room(
    database: asyncpg.Connection, redis: Redis, jwt_mode: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk lets questions pass: what it refused is told to who asked, and by the probes."""
    await a_worker_is_there(database)
    monkeypatch.setattr("db.recorder.PATIENT_TRIES", 1)
    await database.execute(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$;"
        " CREATE TRIGGER full_disk BEFORE INSERT ON roadmap_tasks EXECUTE FUNCTION full_disk()"
    )
    try:
        async with in_process() as client:
            assert (await client.get("/readyz")).status_code == 200
            refused = await client.post(
                "/api/v1/tasks", json={"goal": "Learn to sew"}, headers=bearer()
            )
            told = await client.get("/readyz")
            monkeypatch.setattr("db.session.REFUSAL_LASTS_S", 0)
            assert (await client.get("/readyz")).status_code == 200
    finally:
        await database.execute("DROP FUNCTION full_disk CASCADE")
    assert (refused.status_code, told.status_code) == (503, 503)
    assert refused.json()["detail"].startswith("The database has no disk space left")
    assert told.json()["effects"][0].startswith("PostgreSQL has no disk space left: nothing is")


async def test_a_database_without_entry(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """A database that is not there, or a password that does not fit, is no silent server."""
    url = get_settings().database_url.get_secret_value()
    settings_env.setenv("ROADMAP_DATABASE_URL", url.replace("/roadmap?", "/none?", 1) if "?" in url
                        else f"{url}-none")  # fmt: skip
    get_settings.cache_clear()
    async with in_process() as client:
        told = (await client.get("/readyz")).json()
    assert told["effects"][0].startswith("PostgreSQL has no database of that name: ")


async def test_what_up_is_told_of_servers_that_are_not_ours(
    broken: EmbeddedRedis, settings_env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`roadmap up` names the setting that leads to a server which is away or refuses."""

    async def trouble() -> str | None:
        get_settings.cache_clear()
        servers = Servers(get_settings(), data_dir=DataDir(tmp_path), say=print)
        return await asyncio.to_thread(servers.trouble)

    settings_env.setenv("ROADMAP_REDIS_URL", broken.url)
    settings_env.setenv("ROADMAP_BROKER_URL", broken.url)
    assert await trouble() is None
    settings_env.setenv("ROADMAP_BROKER_URL", broken.url.replace("redis://:", "redis://:x"))
    said = str(await trouble())
    assert said.startswith("ROADMAP_BROKER_URL: the server does not let us in")
    settings_env.setenv("ROADMAP_REDIS_URL", "redis://127.0.0.1:1/0")
    said = str(await trouble())
    assert said.startswith("ROADMAP_REDIS_URL: the server cannot be reached: ")
    assert ".." not in said
