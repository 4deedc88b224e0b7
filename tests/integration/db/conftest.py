"""A PostgreSQL to be mistreated, and a wire to it that can be cut at the worst moment."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from core.settings import get_settings
from db.migrate import upgrade
from db.recorder import flush_recorder
from embedded import EmbeddedPostgres
from tests.factories import close_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session")
def mortal_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A migrated database on a server that tests may restart and crash."""
    with (
        EmbeddedPostgres(tmp_path_factory.mktemp("mortal"), max_connections=40) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("ROADMAP_DATABASE_URL", server.url)
        get_settings.cache_clear()
        upgrade()
        get_settings.cache_clear()
        yield server


@pytest.fixture
async def mortal(
    mortal_postgres: EmbeddedPostgres, settings_env: pytest.MonkeyPatch
) -> AsyncIterator[EmbeddedPostgres]:
    """That server, and the settings point to it."""
    settings_env.setenv("ROADMAP_DATABASE_URL", mortal_postgres.url)
    get_settings.cache_clear()
    yield mortal_postgres
    await close_loop()


class Wire:
    """A TCP proxy before PostgreSQL that can treat the next COMMIT badly."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._netloc = parts.netloc
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = url
        self.lose_replies = 0
        """How many COMMITs from now on are carried out but never answered."""
        self.hold_commits = False
        """COMMITs do not reach the server."""
        self.held = asyncio.Event()
        """A COMMIT is being held, or whatever the server closes is."""
        self.ended = asyncio.Event()
        """The server has closed a connection."""
        self.cut = asyncio.Event()
        """Let go of connections whose COMMIT is held, or whose server is gone."""
        self.commits = 0

    async def open(self) -> None:
        """Begin to listen on a free port."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        user = self._netloc.rpartition("@")[0]
        self.url = urlsplit(self.url)._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()

    async def close(self) -> None:
        """Cut everything."""
        if self._listener is not None:
            self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(OSError, asyncio.CancelledError):
            server_reader, server_writer = await asyncio.open_connection(*self._server)
            quiet = asyncio.Event()
            there = asyncio.create_task(self._forward(reader, server_writer, quiet))
            back = asyncio.create_task(self._back(server_reader, writer, quiet))
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            there.cancel()
            back.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            server_writer.close()
        writer.close()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, quiet: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if b"COMMIT;" in data:
                self.commits += 1
                if self.hold_commits:
                    quiet.set()
                    self.held.set()
                    await self.cut.wait()
                    return
                if self.lose_replies:
                    self.lose_replies -= 1
                    quiet.set()
            writer.write(data)
            await writer.drain()

    async def _back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, quiet: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if quiet.is_set():
                return  # the server did it; nobody will hear of it
            writer.write(data)
            await writer.drain()
        self.ended.set()
        if self.held.is_set():
            await self.cut.wait()


@pytest.fixture
async def wire(mortal: EmbeddedPostgres, settings_env: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    """A wire to the mortal server, which the settings point to."""
    wire = Wire(mortal.url)
    await wire.open()
    settings_env.setenv("ROADMAP_DATABASE_URL", wire.url)
    get_settings.cache_clear()
    yield wire
    await close_loop()
    await wire.close()


@pytest.fixture
async def nothing_pending() -> AsyncIterator[None]:
    """What is pending is committed before the database goes away."""
    yield
    await flush_recorder()
