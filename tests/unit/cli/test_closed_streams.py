"""Standard streams that the caller has closed, as `>&-` of a shell does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROADMAP = Path(sys.executable).parent / "roadmap"


@pytest.mark.parametrize("closed", [">&-", "<&-", ">&- <&- 2>&-"])
@pytest.mark.parametrize("command", ["samples", "--help"])
def test_a_closed_stream_is_no_error(tmp_path: Path, command: str, closed: str) -> None:
    """A command whose output nobody takes does the same and ends with the same code."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{ROADMAP}" {command} {closed}'],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
