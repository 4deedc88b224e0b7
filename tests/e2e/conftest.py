"""A whole stack as a user starts it: `roadmap up` in a folder, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from cli.data_dir import DataDir
from core.given import PREFIX
from core.signin_codes import make_code, signin_url
from tests.prepared import copy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

READY_S = 60


@dataclass
class RunningStack:
    """A `roadmap up` and what it told in stack.json."""

    folder: Path
    process: subprocess.Popen[str]
    info: dict[str, Any]
    descendants: set[int] = field(default_factory=set)

    def client(self, *, token: str | None = None) -> httpx.Client:
        """Return a client of its API."""
        headers = {"Authorization": f"Bearer {token or self.info['token']}"}
        # the API closes idle connections after five seconds: ours are given up before that
        limits = httpx.Limits(keepalive_expiry=2)
        return httpx.Client(
            base_url=self.info["api_url"], headers=headers, timeout=30, limits=limits
        )

    def pids(self) -> set[int]:
        """Return all processes below the supervisor, itself included."""
        supervisor = psutil.Process(self.process.pid)
        return {self.process.pid} | {p.pid for p in supervisor.children(recursive=True)}

    def stop(self) -> int:
        """End it as Ctrl-C would, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


def signin_address(folder: Path) -> str:
    """Return an address that signs a browser in at the stack of a folder."""
    data_dir = DataDir(folder)
    stack, secret = data_dir.read_stack(), data_dir.known_auth_secret()
    assert stack is not None
    assert secret is not None
    return signin_url(stack["api_url"], make_code(secret))


StartStack = "Callable[..., RunningStack]"


@contextmanager
def starting_stacks(prepared: Path | None = None) -> Iterator[Callable[..., RunningStack]]:
    """Yield what starts stacks, new ones on a copy of prepared data where it is given.

    Whatever still runs at the end is stopped.
    """
    stacks: list[RunningStack] = []

    def start(folder: Path, *options: str, **settings: str) -> RunningStack:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        environment |= {PREFIX + name: value for name, value in settings.items()}
        if prepared is not None and not folder.exists():
            copy_of(prepared, folder)
        command = [sys.executable, "-m", "cli", "up", "--data-dir", str(folder), "--port", "0"]
        with (folder.parent / f"{folder.name}.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--flower-port", "0", *options],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert process.stdout is not None
        began = time.monotonic()
        line = process.stdout.readline()
        assert line.startswith("ready "), (
            f"no ready line after {time.monotonic() - began:.0f} s: {line!r}\n"
            + (folder.parent / f"{folder.name}.log").read_text()[-3000:]
        )
        info = json.loads((folder / "stack.json").read_text())
        stack = RunningStack(folder, process, info)
        stacks.append(stack)
        return stack

    try:
        yield start
    finally:
        for stack in stacks:
            stack.stop()


@pytest.fixture(scope="module")
def start_stack(prepared: Path) -> Iterator[Callable[..., RunningStack]]:
    """Start stacks; whatever still runs at the end is stopped."""
    with starting_stacks(prepared) as start:
        yield start
