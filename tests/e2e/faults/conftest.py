"""One rig for all fault tests of a run: its Redis may be stopped, killed and emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from embedded import EmbeddedRedis
from tests.databases import empty
from tests.e2e.faults.rig import Rig
from tests.e2e.faults.scripted_model import ScriptedModel
from tests.factories import close_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session")
def faults_rig(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Servers that live as long as the run."""
    folder = tmp_path_factory.mktemp("faults")
    with EmbeddedRedis(folder / "redis") as redis, ScriptedModel() as model:
        rig = Rig(database_url=postgres_url, redis=redis, model=model, folder=folder)
        try:
            yield rig
        finally:
            rig.close()


@pytest.fixture
def rig(faults_rig: Rig) -> Iterator[Rig]:
    """The rig, empty and without workers; whatever a test started is dead afterwards."""
    faults_rig.start_redis()
    faults_rig.flush()
    faults_rig.model.reset()
    with faults_rig.client():
        try:
            yield faults_rig
        finally:
            faults_rig.end_workers()


@pytest.fixture
async def look(rig: Rig) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the rig's emptied database."""
    connection = await asyncpg.connect(rig.database_url)
    await empty(connection)
    yield connection
    await connection.close()
    await close_loop()
