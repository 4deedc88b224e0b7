"""Folders in which no stack can run, and processes whose folder is taken away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from cli.child import Child, ChildSpec
from cli.child_logs import LogPump
from cli.data_dir import DataDir
from cli.exits import CommandError
from cli.setup_checks import check_data_dir

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", ["dangling", "long", "shared", "file"])
def test_the_doctor_refuses_what_up_refuses(tmp_path: Path, kind: str) -> None:
    """A folder in which no stack can start is red, and neither ends with a traceback."""
    path = tmp_path / ("x" * 300 if kind == "long" else "d")
    if kind == "dangling":
        path.symlink_to(tmp_path / "gone")
    elif kind == "shared":
        path.mkdir()
        path.chmod(0o1777)
    elif kind == "file":
        path.touch()
    assert not check_data_dir(DataDir(path)).ok
    with pytest.raises(CommandError):
        DataDir(path).create()


def test_a_home_of_nobody(tmp_path: Path) -> None:
    """A `~` that means nothing is a usage error."""
    with pytest.raises(CommandError, match="home folder"):
        DataDir(type(tmp_path)("~nobody-of-this-name/d"))


def test_what_cannot_be_started_waits_longer_each_time(tmp_path: Path) -> None:
    """A start that fails is no life: the waits double, however long the process ran before."""
    logs = LogPump(tmp_path, forward=lambda _name, _line: None)
    spec = ChildSpec(name="api", args=("true",), env={}, cwd=tmp_path / "gone", grace_s=1.0)
    child = Child(spec, logs)
    child._started_at = time.monotonic() - 3600.0
    waits = []
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            child.start()
        waits.append(child.plan_restart())
    logs.close()
    assert waits == [0.5, 1.0, 2.0]
