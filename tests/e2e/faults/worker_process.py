"""A Celery worker as a process of its own, which can be frozen, killed and watched."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from embedded import spawn_child

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[3]
START_S: Final = 40.0
END_S: Final = 30.0
_POLL_S: Final = 0.02
_INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SSL_CERT_FILE")


def program_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with these settings of ours and none of the caller's."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **inherited,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **{f"ROADMAP_{name}": value for name, value in settings.items()},
    }


class WorkerProcess:
    """A worker in its own process group; a signal hits one process or all."""

    def __init__(
        self,
        *,
        name: str,
        settings: Mapping[str, str],
        log: Path,
        pool: str = "threads",
        concurrency: int = 16,
        release: Path = ROOT,
    ) -> None:
        self.name = name
        self.pool = pool
        self._release = release
        self._log = log
        self._env = program_environment({"LOG_FORMAT": "json", **settings})
        # as `roadmap up` does, which starts sooner; other releases as everybody can
        ours = ("roadmap_start", "worker")
        program = ours if release == ROOT else ("celery", "-A", "worker", "worker")
        self._arguments = [
            *(sys.executable, "-m", *program, "--without-mingle"),
            *("-P", pool, "-c", str(concurrency), "-n", f"{name}@%h"),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._since = 0

    @property
    def pid(self) -> int:
        """The main process, which is also its group's number."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The main process's exit code, None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it; the log of this life begins here."""
        assert self._process is None or self._process.poll() is not None, f"{self.name} runs"
        self._since = self._log.stat().st_size if self._log.exists() else 0
        self._process = spawn_child(
            self._arguments,
            env=self._env,
            cwd=self._release,
            log=self._log,
            death_signal=signal.SIGKILL,
        )

    def mark(self) -> None:
        """Let its log begin here."""
        self._since = self._log.stat().st_size

    def wait_ready(self, *, within_s: float = START_S) -> None:
        """Block until it takes messages."""
        deadline = time.monotonic() + within_s
        while not self.logged("worker_ready"):
            assert self.returncode is None, f"{self.name} ended while starting:\n{self.log_text()}"
            assert time.monotonic() < deadline, (
                f"{self.name} was not ready in {within_s} s:\n{self.log_text()}"
            )
            time.sleep(_POLL_S)

    def log_text(self) -> str:
        """Return what this life has logged."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as file:
            file.seek(self._since)
            return file.read().decode(errors="replace")

    def logged(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """Return this life's log lines of that event whose fields have these values."""
        found = []
        for line in self.log_text().splitlines():
            if event not in line:
                continue
            with contextlib.suppress(json.JSONDecodeError):
                entry = json.loads(line)
                if entry.get("event") == event and fields.items() <= entry.items():
                    found.append(entry)
        return found

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the main process alone, as supervisors do."""
        os.kill(self.pid, number)

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the main process and its children at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """SIGKILL the whole group, and return when nothing of it is left."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self.signal_group(signal.SIGKILL)
            self._process.wait(END_S)
        deadline = time.monotonic() + END_S
        while left := self.processes():
            assert time.monotonic() < deadline, f"{self.name} left processes behind: {left}"
            time.sleep(_POLL_S)

    def wait_end(self, *, within_s: float = END_S) -> int:
        """Return its exit code when it has ended by itself, with all its children."""
        assert self._process is not None
        try:
            code = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} did not end within {within_s} s:\n{self.log_text()}"
            ) from None
        left = self.processes()
        assert not left, f"{self.name} ended and left processes behind: {left}"
        return code

    def processes(self) -> list[psutil.Process]:
        """Return the living processes of its group."""
        if self._process is None:
            return []
        group = self._process.pid
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found
