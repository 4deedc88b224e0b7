"""The page's modules that need no browser, in Node; their own tests stand beside this file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.system_packages import need_program

FILES = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_modules(file: Path) -> None:
    """Every test of the file passes in Node."""
    node = need_program("node", package="nodejs")
    done = subprocess.run(
        [node, "--test", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
