"""What a storm blows over: servers, workers of both pools, an API, two schedulers, a model."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from embedded import spawn_child
from embedded.ports import free_port
from tests.e2e.faults.worker_process import ROOT, WorkerProcess, program_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded import EmbeddedPostgres
    from tests.e2e.faults.rig import Rig

THREADS: Final = 24
CHILDREN: Final = 2
BUDGET: Final = 80
"""Connections of all processes together."""
PROCESSES: Final = 9
"""Two workers of threads, one with two children and a spare one, API, schedulers, and one more."""
END_S: Final = 40.0
SKEWS_S: Final = (-300, 300)


class Program:
    """A process of ours besides the workers: the API or a scheduler."""

    def __init__(self, name: str, arguments: Sequence[str], env: dict[str, str], log: Path) -> None:
        self.name = name
        self._arguments = [sys.executable, "-m", *arguments]
        self._env = env
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        runs = self._process is not None and self._process.poll() is None
        return self._process.pid if runs and self._process else None

    def start(self) -> None:
        """Start it unless it runs."""
        if self.pid is None:
            self._process = spawn_child(
                self._arguments,
                env=self._env,
                cwd=self._log.parent,
                log=self._log,
                death_signal=signal.SIGKILL,
            )

    def end(self, number: signal.Signals) -> None:
        """Send a signal that ends it, and wait for that; SIGKILL when it takes too long."""
        pid = self.pid
        if pid is None or self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            os.killpg(pid, signal.SIGKILL)
            self._process.wait(END_S)


class SkewedWorker(WorkerProcess):
    """A worker whose clock is wrong."""

    def skew(self, seconds: int) -> None:
        """Have its next life read a clock that is wrong by so much."""
        self._env["CHAOS_SKEW_S"] = str(seconds)
        self._env["PYTHONPATH"] = str(Path(__file__).parent / "skewed")


@dataclass(kw_only=True, slots=True)
class Scene:
    """All processes of a storm."""

    rig: Rig
    postgres: EmbeddedPostgres
    workers: list[SkewedWorker]
    api: Program
    schedulers: list[Program]
    address: str

    @classmethod
    def of(cls, rig: Rig, postgres: EmbeddedPostgres, folder: Path) -> Scene:
        """Return a scene with nothing started but the servers."""
        settings = rig.settings(
            DATABASE_MAX_CONNECTIONS=str(BUDGET),
            DATABASE_PROCESSES=str(PROCESSES),
            # a storm kills more workers than a task may lose in earnest
            MAX_ATTEMPTS="100",
        )
        del settings["LEASE_S"]  # takeovers are measured at the settings' own lease
        port = free_port()
        pools = {  # two of threads: each has room for what the other one had
            "w1": ("threads", THREADS),
            "w2": ("prefork", CHILDREN),
            "w3": ("threads", THREADS),
        }
        workers = [
            SkewedWorker(
                name=name,
                settings=settings,
                log=folder / f"{name}.log",
                pool=pool,
                concurrency=slots,
            )
            for name, (pool, slots) in pools.items()
        ]
        return cls(
            rig=rig,
            postgres=postgres,
            workers=workers,
            api=_program("api", ("api", "--port", str(port)), settings, folder),
            schedulers=[
                _program(name, ("celery", "-A", "worker", "beat"), settings, folder)
                for name in ("beat1", "beat2")
            ],
            address=f"http://127.0.0.1:{port}",
        )

    def start(self) -> None:
        """Start everything, and wait until the workers take messages."""
        for worker in self.workers:
            worker.start()
        for program in (self.api, *self.schedulers):
            program.start()
        for worker in self.workers:
            worker.wait_ready(within_s=90)

    def heal(self) -> None:
        """Start whatever does not run; blocks."""
        if not self.postgres.alive():
            self.postgres.start(timeout_s=60)
        self.rig.start_redis()
        for worker in self.workers:
            if worker.returncode is not None:
                worker.kill()  # what it left behind
                worker.start()
        for program in (self.api, *self.schedulers):
            program.start()

    def thaw(self) -> None:
        """Let whatever is frozen go on."""
        for worker in self.workers:
            worker.signal_group(signal.SIGCONT)
        for process in self.server_processes():
            with contextlib.suppress(psutil.Error):
                process.resume()
        if self.rig.redis.alive():
            self.rig.redis_signal(signal.SIGCONT)

    def server_processes(self) -> list[psutil.Process]:
        """Return PostgreSQL's processes."""
        if self.postgres.pid is None:
            return []
        with contextlib.suppress(psutil.Error):
            main = psutil.Process(self.postgres.pid)
            return [main, *main.children(recursive=True)]
        return []

    def descriptors(self) -> dict[str, int]:
        """Return the open descriptors of the API and of each worker's processes."""
        found = {}
        groups = {worker.name: worker.processes() for worker in self.workers}
        if self.api.pid is not None:
            groups["api"] = [psutil.Process(self.api.pid)]
        for name, processes in groups.items():
            with contextlib.suppress(psutil.Error):
                found[name] = sum(process.num_fds() for process in processes)
        return found

    def end(self) -> None:
        """End all processes; the servers belong to somebody else."""
        self.thaw()
        for program in (*self.schedulers, self.api):
            program.end(signal.SIGKILL)
        for worker in self.workers:
            worker.kill()

    def logs(self) -> str:
        """Return the ends of the workers' logs."""
        return "\n".join(
            f"--- {worker.name}\n" + "\n".join(worker.log_text().splitlines()[-30:])
            for worker in self.workers
        )


def _program(
    name: str, arguments: Sequence[str], settings: Mapping[str, str], folder: Path
) -> Program:
    env = program_environment(settings) | {"PYTHONPATH": str(ROOT)}
    return Program(name, arguments, env, folder / f"{name}.log")


async def until_alive(address: str, *, within_s: float = 90) -> None:
    """Wait until an API answers."""
    import httpx

    deadline = time.monotonic() + within_s
    async with httpx.AsyncClient(timeout=5) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(f"{address}/livez")).is_success:
                    return
            await asyncio.sleep(0.2)
    raise TimeoutError("the API does not answer")
