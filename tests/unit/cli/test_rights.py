"""Whose folder a stack starts in: nobody else may change what runs."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from typing import TYPE_CHECKING

import pytest

from cli.data_dir import DataDir
from cli.discovery import find_target
from cli.exits import CommandError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
def test_a_folder_that_others_may_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """As ssh does: whoever can write there could change what runs, so one sentence and no start."""
    folder = DataDir(tmp_path / "d")
    folder.path.mkdir()
    folder.path.chmod(mode)
    not_in_a_group_of_its_own(monkeypatch)
    advice = "of your own with --data-dir" if mode & stat.S_ISVTX else "chmod go-w"
    with pytest.raises(CommandError, match=advice):
        folder.create()
    with pytest.raises(CommandError, match=advice):
        find_target(folder.path)
    assert not list(folder.path.iterdir())
    folder.path.chmod(0o755)
    folder.create()


def not_in_a_group_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each group have members."""
    found = grp.getgrgid
    monkeypatch.setattr(
        grp, "getgrgid", lambda gid: grp.struct_group((*found(gid)[:3], ["somebody"]))
    )


def test_a_group_in_which_nobody_else_is_may_write(tmp_path: Path) -> None:
    """As in a folder made where each user has a group, and `umask` is 002: Ubuntu, Debian."""
    folder = DataDir(tmp_path / "d")
    folder.path.mkdir()
    user = pwd.getpwuid(os.geteuid())
    if grp.getgrgid(user.pw_gid).gr_name != user.pw_name:
        pytest.skip("this system gives its users no group of their own")
    os.chown(folder.path, -1, user.pw_gid)
    folder.path.chmod(0o2775)
    folder.create()


def test_a_folder_that_others_may_replace_is_refused(tmp_path: Path) -> None:
    """Whoever may write to the folder above may rename ours, unless that one is sticky."""
    parent = tmp_path / "open"
    parent.mkdir()
    parent.chmod(0o777)
    with pytest.raises(CommandError, match="replace"):
        DataDir(parent / "d").create()
    parent.chmod(0o1777)
    DataDir(parent / "d").create()


def test_somebody_elses_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner could change what runs here."""
    folder = DataDir(tmp_path / "d")
    folder.create()
    monkeypatch.setattr("os.geteuid", lambda: folder.path.stat().st_uid + 1)
    with pytest.raises(CommandError, match="another user"):
        folder.create()
