"""A process that pytest-celery takes for a container: what its nodes ask of docker, and no more."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import uuid
from typing import TYPE_CHECKING, Any, Final

import psutil

from embedded import spawn_child

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_END_S: Final = 30.0


class LocalProcess:
    """One program in its own process group, started, killed and restarted as a container is.

    SIGKILL hits the whole group, as it does when the first process of a container dies; every
    other signal goes to the main process alone.
    """

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        cwd: Path | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.name = name
        self._command = [part.replace("%h", self.id[:12]) for part in command]
        self._env = dict(env)
        self._cwd = cwd
        self._log = folder / f"{name}-{self.id[:12]}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._since = 0
        bindings = {port: [{"HostPort": str(number)}] for port, number in (ports or {}).items()}
        self.attrs: dict[str, Any] = {
            "Config": {"Hostname": self.id[:12], "Env": [f"{k}={v}" for k, v in env.items()]},
            "NetworkSettings": {"Networks": {}, "Ports": bindings},
            "HostConfig": {"PortBindings": {}},
        }

    @property
    def status(self) -> str:
        """`created`, `running` or `exited`."""
        if self._process is None:
            return "created"
        return "running" if self._process.poll() is None else "exited"

    def start(self) -> None:
        """Start it; its readiness is looked for in the log from here on."""
        self._since = self._log.stat().st_size if self._log.exists() else 0
        self._process = spawn_child(
            self._command,
            env=self._env,
            cwd=self._cwd,
            log=self._log,
            death_signal=signal.SIGKILL,
        )

    def reload(self) -> None:
        """Nothing is cached."""

    def logs(self) -> bytes:
        """Return everything it logged, in all its lives, as docker does."""
        return self._log.read_bytes() if self._log.exists() else b""

    def logs_of_this_life(self) -> str:
        """Return what it logged since its last start."""
        return self.logs()[self._since :].decode(errors="replace")

    def kill(self, signal_name: str | int | None = None) -> None:
        """Send a signal and return; wait for the end where SIGKILL makes it certain."""
        name = signal_name or "SIGKILL"
        number = signal.Signals[name] if isinstance(name, str) else signal.Signals(name)
        if self._process is None or self._process.poll() is not None:
            return
        if number is signal.SIGKILL:
            os.killpg(self._process.pid, number)
            self._process.wait(_END_S)
        else:
            self._process.send_signal(number)

    def wait(self, timeout: float = _END_S) -> dict[str, int]:
        """Wait for its end and return its exit code, as docker does."""
        assert self._process is not None, f"{self.name} was never started"
        return {"StatusCode": self._process.wait(timeout)}

    def restart(self, timeout: float = _END_S) -> None:
        """Stop it, politely first, and start it again."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(min(timeout, _END_S))
            except subprocess.TimeoutExpired:
                self.kill()
        self.start()

    def remove(self, **_: Any) -> None:
        """Kill the whole group, and return when nothing of it is left."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_END_S)
        left = psutil.wait_procs(self.processes(), timeout=_END_S)[1]
        assert not left, f"{self.name} left processes behind: {left}"

    def processes(self) -> list[psutil.Process]:
        """Return the living processes of its group."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                mine = self._process is not None and os.getpgid(process.pid) == self._process.pid
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found
