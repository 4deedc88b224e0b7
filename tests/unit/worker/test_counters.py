"""The folders in which prefork's children count: no killed worker's stays for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from worker.exporter import new_folder

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

WORKER = "from worker.exporter import new_folder; print(new_folder(), flush=True); input()"


def begun(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a process that has a folder; return it, and the folder, made long ago."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER],
        env=os.environ | {"TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    made = process.stdout.readline().strip()
    os.utime(made, (0, 0))
    return process, made


def test_what_a_killed_worker_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next worker removes it; a living one's, and one that is just being made, stay."""
    killed, left = begun(tmp_path)
    killed.kill()
    killed.communicate()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    young = tempfile.mkdtemp(prefix="roadmap-counters-")
    alive, held = begun(tmp_path)
    try:
        own = new_folder()
        assert {str(each) for each in tmp_path.iterdir()} == {young, held, str(own)}
        assert left not in {young, held, str(own)}
    finally:
        alive.communicate("\n")
