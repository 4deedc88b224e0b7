"""Beat and Flower are told from other commands, and Flower knows the tasks by name."""

from __future__ import annotations

import pytest

import tasks.maintenance
import tasks.roadmap  # noqa: F401 - they register what workers run
from worker.commands import command_of
from worker.for_flower import NAMES
from worker.runtime import known


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
    """What Flower may send or limit is what a worker runs, no more and no less."""
    assert sorted(NAMES) == sorted(known)
