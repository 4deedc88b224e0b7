"""One supervised process: how it starts, how it ends, when it may start again."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from embedded import spawn_child

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from cli.child_logs import LogPump

FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 30.0
STEADY_S: Final = 10.0
"""A process that lived this long was not made to die by its own start."""
HEALTHY_S: Final = 60.0
"""A process that lived this long begins with a clean slate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildSpec:
    """What to run, and how patiently to stop it.

    Attributes:
        name: Its name in logs: `api`, `beat`, `flower`, `worker1` …
        args: The program and its arguments.
        env: Its whole environment.
        cwd: Its working folder.
        grace_s: How long it may take to stop after SIGTERM.
        stop_phase: Lower phases are stopped first; the next waits for them to end.
        essential: The stack is not ready without it.
        early: It needs no migrated database and may start before there is one.
    """

    name: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    grace_s: float
    stop_phase: int = 0
    essential: bool = True
    early: bool = False


class Backoff:
    """How long to wait before starting a process again that died."""

    def __init__(self) -> None:
        """Begin with a clean slate."""
        self._deaths = 0

    def after(self, lived_s: float) -> float:
        """Return the seconds to wait after a life of `lived_s`.

        The first start again comes quickly; each quick death in a row doubles the wait. A steady
        life keeps it where it is at most one step up, a healthy one resets it.
        """
        if lived_s >= HEALTHY_S:
            self._deaths = 0
        elif lived_s >= STEADY_S:
            self._deaths = min(self._deaths, 1)
        delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0**self._deaths)
        self._deaths += 1
        return delay


class Child:
    """A process made from its spec, again and again."""

    def __init__(self, spec: ChildSpec, logs: LogPump) -> None:
        """Remember what to run and where its output goes."""
        self.spec = spec
        self.deaths = 0
        self.start_at = 0.0
        self._logs = logs
        self._backoff = Backoff()
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it. It is killed when this process ends: its servers end then, too."""
        self._started_at = time.monotonic()  # also of one that fails: it has not lived at all
        writer = self._logs.open(self.spec.name)
        try:
            self._process = spawn_child(
                self.spec.args,
                env=self.spec.env,
                cwd=self.spec.cwd,
                log=writer,
                death_signal=signal.SIGKILL,
            )
        finally:
            os.close(writer)

    def reap(self) -> int | None:
        """Return the exit code when it ended since the last call, after sweeping its group."""
        process = self._process
        if process is None:
            return None
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        # Not reaped yet, so the group's number cannot belong to a stranger: what the process left
        # behind (prefork children) goes with it.
        self._signal_group(signal.SIGKILL)
        self._process = None
        return process.wait()

    def plan_restart(self) -> float:
        """Set when it may start again after a death; return the wait in seconds."""
        self.deaths += 1
        now = time.monotonic()
        delay = self._backoff.after(now - self._started_at)
        self.start_at = now + delay
        return delay

    def send(self, number: signal.Signals) -> None:
        """Send the main process a signal; nothing happens when it has ended."""
        if self._process is not None:
            # not by `Popen.send_signal`, which reaps what has ended: that is for `reap` to see
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End the whole process group at once."""
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # nobody is left in it (macOS says "permission" for zombies)
