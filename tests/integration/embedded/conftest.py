"""Servers for these tests: each gets a data folder of its own and is stopped at the end."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedded import EmbeddedPostgres, EmbeddedRedis

Eventually = Callable[[Callable[[], bool]], None]
MakePostgres = Callable[..., EmbeddedPostgres]
MakeRedis = Callable[..., EmbeddedRedis]


@pytest.fixture(scope="session")
def path_without_servers() -> str:
    """The PATH less every folder that holds a server."""
    names = ("postgres", "redis-server", "valkey-server")
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(f for f in folders if not any(shutil.which(n, path=f) for n in names))


@pytest.fixture(scope="session")
def whole_path() -> str:
    """The PATH before any test changed it."""
    return os.environ["PATH"]


@pytest.fixture(params=["PATH", "wheel"])
def source(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, path_without_servers: str
) -> str:
    """Both places PostgreSQL comes from, one after the other."""
    if request.param == "wheel":
        monkeypatch.setenv("PATH", path_without_servers)
    elif shutil.which("postgres") is None:
        pytest.skip("there is no PostgreSQL on the PATH")
    return str(request.param)


@pytest.fixture(scope="session")
def clusters() -> dict[str, Path]:
    """One prepared data folder for each source, filled on first use."""
    return {}


@pytest.fixture
def make_postgres(
    source: str,
    clusters: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
) -> Iterator[MakePostgres]:
    """Build a PostgreSQL on a prepared folder; the argument is the folder's name in tmp_path.

    Making a cluster takes long, and so does copying one: the first folder is lent to the test and
    taken back, with what the test stored in it. A second folder of the same test is a copy.
    """
    if source not in clusters:
        clusters[source] = tmp_path_factory.mktemp("cluster") / "data"
        with EmbeddedPostgres(clusters[source]):
            pass
    home = clusters[source]
    (home / "postgres.port").unlink(missing_ok=True)
    password = (home / "postgres.password").read_bytes()
    made: list[EmbeddedPostgres] = []
    folders: list[Path] = []

    def make(name: str = "größe 1", **options: Any) -> EmbeddedPostgres:
        folder = tmp_path / name
        if not folders:
            folders.append(home.rename(folder))
        elif folder not in folders:
            # Keeps owners, which shutil does not.
            subprocess.run(["/bin/cp", "-a", folders[0], folder], check=True)
            folders.append(folder)
        made.append(EmbeddedPostgres(folder, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()
    if folders:
        folders[0].rename(home)
        (home / "postgres.password").write_bytes(password)


@pytest.fixture
def make_redis(tmp_path: Path) -> Iterator[MakeRedis]:
    """Build a Redis on a folder named by the argument."""
    made: list[EmbeddedRedis] = []

    def make(name: str = "größe 1") -> EmbeddedRedis:
        made.append(EmbeddedRedis(tmp_path / name))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds, for ten seconds at most."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.01)

    return wait


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Say whether a process has ended; one that only waits to be reaped has."""

    def check(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return check
