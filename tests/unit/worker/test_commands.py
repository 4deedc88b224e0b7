"""Beat and Flower know the tasks by name and import none; all other commands have them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from worker.commands import command_of

KNOWN = "import worker; worker.app.loader.init_worker(); print(*sorted(worker.app.tasks))"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("-A worker beat", "beat"),
        ("--app worker --quiet flower --port=5555", "flower"),
        ("--app=worker -b redis://x -C worker -n beat", "worker"),
        ("-Aworker worker -n flower", "worker"),
        ("-A flower", ""),
        ("", ""),
    ],
)
def test_the_command_is_told_from_names(line: str, command: str) -> None:
    """A node or an application may be called like a command."""
    assert command_of(line.split()) == command


def test_flower_knows_what_workers_run() -> None:
    """What Flower may send or limit is what a worker runs; beat, which asks by name, has none."""
    worker, flower, beat = map(_known_to, ("worker", "flower", "beat"))
    assert "roadmap.generate" in worker
    assert flower == worker
    assert beat == {name for name in worker if name.startswith("celery.")}


def _known_to(command: str) -> set[str]:
    code = f"import sys; sys.argv = ['celery', '-A', 'worker', {command!r}]; {KNOWN}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())
