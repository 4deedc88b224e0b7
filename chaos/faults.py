"""What a storm does to workers and servers; each fault ends before the function returns."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from embedded import EmbeddedPostgres
    from tests.e2e.faults.rig import Rig
    from tests.e2e.faults.worker_process import WorkerProcess

LONGEST_SILENCE_S: Final = 6.0
END_S: Final = 60.0


@dataclass(kw_only=True, slots=True)
class Loss:
    """A worker that was lost while it held tasks."""

    worker: str
    at: float
    tasks: list[str]


@dataclass(kw_only=True, slots=True)
class Faults:
    """Injects faults, one at a time, chosen by a seeded generator."""

    rig: Rig
    postgres: EmbeddedPostgres
    workers: list[WorkerProcess]
    rng: random.Random
    held_by: Callable[[str], Awaitable[list[str]]]
    """The tasks that a worker holds at this moment."""
    done: dict[str, int] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)

    async def one(self) -> str:
        """Inject a fault; return its name."""
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "worker_killed": self._worker_killed,
            "child_killed": self._child_killed,
            "worker_frozen": self._worker_frozen,
            "worker_restarted": self._worker_restarted,
            "redis_killed": self._redis_killed,
            "redis_frozen": self._redis_frozen,
            "redis_emptied": self._redis_emptied,
            "postgres_killed": self._postgres_killed,
            "connections_cut": self._connections_cut,
        }
        name = self.rng.choice(list(kinds))
        await kinds[name]()
        self.done[name] = self.done.get(name, 0) + 1
        return name

    async def heal(self) -> None:
        """Start whatever does not run."""
        if not self.postgres.alive():
            await asyncio.to_thread(self.postgres.start)
        if not self.rig.redis.alive():
            await asyncio.to_thread(self.rig.start_redis)
        for worker in self.workers:
            if worker.returncode is not None:
                await asyncio.to_thread(worker.kill)
                worker.start()

    def _a_worker(self, pool: str | None = None) -> WorkerProcess:
        return self.rng.choice([w for w in self.workers if pool in {None, w.pool}])

    async def _lost(self, worker: WorkerProcess) -> None:
        tasks = await self.held_by(worker.name)
        self.losses.append(Loss(worker=worker.name, at=time.time(), tasks=tasks))

    async def _worker_killed(self) -> None:
        worker = self._a_worker()
        await self._lost(worker)
        await asyncio.to_thread(worker.kill)
        worker.start()

    async def _child_killed(self) -> None:
        worker = self._a_worker("prefork")
        children = [process for process in worker.processes() if process.pid != worker.pid]
        if children:
            self.rng.choice(children).kill()

    async def _worker_frozen(self) -> None:
        worker = self._a_worker()
        worker.signal_group(signal.SIGSTOP)
        await asyncio.sleep(self.rng.uniform(1, LONGEST_SILENCE_S))
        worker.signal_group(signal.SIGCONT)

    async def _worker_restarted(self) -> None:
        worker = self._a_worker()
        if worker.returncode is None:
            worker.send_signal(signal.SIGTERM)
            await asyncio.to_thread(worker.wait_end, within_s=END_S)
        worker.start()

    async def _redis_killed(self) -> None:
        self.rig.kill_redis()
        await asyncio.sleep(self.rng.uniform(0, 3))
        await asyncio.to_thread(self.rig.start_redis)

    async def _redis_frozen(self) -> None:
        self.rig.redis_signal(signal.SIGSTOP)
        await asyncio.sleep(self.rng.uniform(0.5, LONGEST_SILENCE_S))
        self.rig.redis_signal(signal.SIGCONT)

    async def _redis_emptied(self) -> None:
        await asyncio.to_thread(self.rig.flush)

    async def _postgres_killed(self) -> None:
        pid = self.postgres.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        while self.postgres.alive():  # noqa: ASYNC110 - a process tells nobody that it ended
            await asyncio.sleep(0.02)
        await asyncio.to_thread(self.postgres.start)

    async def _connections_cut(self) -> None:
        import asyncpg

        connection = await asyncpg.connect(self.rig.database_url)
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'roadmap-worker'"
            )
        finally:
            await connection.close()
