"""What a storm does to processes and servers: one fault after the other, chosen from a seed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import asyncpg
import psutil

from chaos.scene import SKEWS_S

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from chaos.scene import Scene, SkewedWorker
    from chaos.weather import Look, Weather

SHORT_S: Final = (0.5, 8.0)
LONG_S: Final = 35.0
"""Longer than a lease."""
LONG: Final = 0.15
"""How many silences are long ones."""
END_S: Final = 60.0
FULL_S: Final = 2.0
SICK_S: Final = 3.0
_FILE_LIMIT: Final = 1_000_000


@dataclass(kw_only=True, slots=True)
class Loss:
    """A worker, or one of its children, that was killed while it held tasks."""

    what: str
    at: float
    tasks: list[str]


@dataclass(kw_only=True, slots=True)
class Faults:
    """Injects faults; whatever is frozen for long thaws by itself while others go on."""

    scene: Scene
    look: Look
    weather: Weather
    rng: random.Random
    done: Counter[str] = field(default_factory=Counter)
    at: list[float] = field(default_factory=list)
    """When each fault began."""
    losses: list[Loss] = field(default_factory=list)
    _frozen: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _next: list[str] = field(default_factory=list)

    def kinds(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return all faults by name."""
        return {
            "worker killed": self._worker_killed,
            "child killed": self._child_killed,
            "worker frozen": self._worker_frozen,
            "redis killed": self._redis_killed,
            "redis restarted": self._redis_restarted,
            "redis emptied": self._redis_emptied,
            "redis silent": self._redis_silent,
            "redis full": self._redis_full,
            "redis takes no clients": self._redis_crowded,
            "postgres killed": self._postgres_killed,
            "postgres crashed": self._postgres_crashed,
            "postgres silent": self._postgres_silent,
            "connections cut": self._connections_cut,
            "message lost": self._message_lost,
            "scheduler killed": self._scheduler_killed,
            "model ill": self._model_ill,
            "api killed": self._api_killed,
            "deploy": self._deploy,
            "clock wrong": self._clock_wrong,
            "disk full": self._disk_full,
        }

    async def one(self) -> str:
        """Inject a fault; return its name. All come once before any comes again."""
        kinds = self.kinds()
        if not self._next:
            self._next = list(kinds)
            self.rng.shuffle(self._next)
            # what the takeover is measured by comes more often
            self._next += ["worker killed"] * 3 + ["child killed"] * 2
            self.rng.shuffle(self._next)
        name = self._next.pop()
        self.at.append(time.time())
        self.done[name] += 1
        async with asyncio.timeout(2 * END_S):
            await kinds[name]()
        return name

    async def thaw(self) -> None:
        """End all silences."""
        frozen, self._frozen = self._frozen, {}
        for task in frozen.values():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.scene.thaw()

    # --- workers ------------------------------------------------------------------------------

    def _a_worker(self, pool: str | None = None) -> SkewedWorker:
        return self.rng.choice([w for w in self.scene.workers if pool in {None, w.pool}])

    async def _lost(self, what: str, worker: SkewedWorker) -> None:
        rows = await self.look.fetch(
            "SELECT task_id FROM roadmap_tasks WHERE lease_owner LIKE $1 AND status = 'processing'",
            f"{worker.name}@%",
            tries=3,
        )
        tasks = [str(row["task_id"]) for row in rows or []]
        self.losses.append(Loss(what=what, at=time.time(), tasks=tasks))

    async def _worker_killed(self) -> None:
        worker = self._a_worker()
        await self._lost(worker.pool, worker)
        await asyncio.to_thread(worker.kill)
        worker.start()

    async def _child_killed(self) -> None:
        worker = self._a_worker("prefork")
        children = [process for process in worker.processes() if process.pid != worker.pid]
        if children:
            child = self.rng.choice(sorted(children, key=lambda each: each.pid))
            await self._lost("child", worker)
            with contextlib.suppress(psutil.Error):
                child.kill()

    async def _worker_frozen(self) -> None:
        worker = self._a_worker()
        self._silence(
            worker.name,
            lambda: worker.signal_group(signal.SIGSTOP),
            lambda: worker.signal_group(signal.SIGCONT),
        )

    async def _deploy(self) -> None:
        """Replace the workers in turn."""
        for worker in self.scene.workers:
            await asyncio.to_thread(self._replace, worker)
            await asyncio.to_thread(worker.wait_ready, within_s=END_S)

    def _replace(self, worker: SkewedWorker) -> None:
        if worker.returncode is None:
            worker.signal_group(signal.SIGCONT)
            worker.send_signal(signal.SIGTERM)
            try:
                worker.wait_end(within_s=END_S)
            finally:
                worker.kill()
        worker.start()

    async def _clock_wrong(self) -> None:
        worker = self._a_worker()
        worker.skew(self.rng.choice(SKEWS_S))
        await asyncio.to_thread(self._replace, worker)

    async def _scheduler_killed(self) -> None:
        scheduler = self.rng.choice(self.scene.schedulers)
        await asyncio.to_thread(scheduler.end, signal.SIGKILL)
        scheduler.start()

    async def _api_killed(self) -> None:
        number = self.rng.choice([signal.SIGKILL, signal.SIGTERM])
        await asyncio.to_thread(self.scene.api.end, number)
        self.scene.api.start()

    # --- Redis --------------------------------------------------------------------------------

    async def _redis_killed(self) -> None:
        await asyncio.to_thread(self.scene.rig.kill_redis)
        await asyncio.sleep(self.rng.uniform(0, 3))
        await asyncio.to_thread(self.scene.rig.start_redis)

    async def _redis_restarted(self) -> None:
        self.scene.rig.redis_signal(signal.SIGTERM)
        while self.scene.rig.redis.alive():  # noqa: ASYNC110 - a process tells nobody that it ended
            await asyncio.sleep(0.05)
        await asyncio.to_thread(self.scene.rig.start_redis)

    async def _redis_emptied(self) -> None:
        await asyncio.to_thread(self.scene.rig.flush)

    async def _redis_silent(self) -> None:
        rig = self.scene.rig
        self._silence(
            "redis",
            lambda: rig.redis_signal(signal.SIGSTOP),
            lambda: rig.redis_signal(signal.SIGCONT),
        )

    async def _redis_full(self) -> None:
        await self._configured("maxmemory", "1", "0")

    async def _redis_crowded(self) -> None:
        await self._configured("maxclients", "1", "10000")

    async def _configured(self, name: str, value: str, usual: str) -> None:
        client = self.scene.rig.broker()
        try:
            await asyncio.to_thread(client.config_set, name, value)
            await asyncio.sleep(FULL_S)
        finally:
            await asyncio.to_thread(client.config_set, name, usual)
            client.close()

    async def _message_lost(self) -> None:
        with self.scene.rig.broker() as client:
            for _ in range(3):
                await asyncio.to_thread(client.lpop, "roadmap")

    # --- PostgreSQL ---------------------------------------------------------------------------

    async def _postgres_killed(self) -> None:
        number = self.rng.choice([signal.SIGKILL, signal.SIGQUIT])  # SIGQUIT: "immediate"
        pid = self.scene.postgres.pid
        if pid is not None:
            os.kill(pid, number)
        while self.scene.postgres.alive():  # noqa: ASYNC110 - ditto
            await asyncio.sleep(0.02)
        await asyncio.to_thread(self.scene.postgres.start, timeout_s=END_S)

    async def _postgres_crashed(self) -> None:
        """Kill one backend: the server takes all connections down and recovers."""
        rows = await self.look.fetch(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'roadmap-worker' LIMIT 1",
            tries=3,
        )
        for row in rows or []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(row["pid"], signal.SIGKILL)

    async def _postgres_silent(self) -> None:
        frozen = self.scene.server_processes()

        def freeze() -> None:
            for process in frozen:
                with contextlib.suppress(psutil.Error):
                    process.suspend()

        def thaw() -> None:
            for process in frozen:
                with contextlib.suppress(psutil.Error):
                    process.resume()

        self._silence("postgres", freeze, thaw)
        # it can be neither asked nor ended meanwhile
        await self._frozen["postgres"]

    async def _connections_cut(self) -> None:
        await self.look.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'roadmap-worker'",
            tries=3,
        )

    async def _disk_full(self) -> None:
        """Let PostgreSQL write no further for a moment, as on a full disk: it gives up, loudly."""
        limited = self.scene.server_processes()
        for process in limited:
            _limit_files(process, _FILE_LIMIT)
        await asyncio.sleep(FULL_S)
        for process in {*limited, *self.scene.server_processes()}:
            _limit_files(process, resource.RLIM_INFINITY)
        with contextlib.suppress(Exception):  # it may be starting anew
            check = await asyncpg.connect(self.scene.rig.database_url, timeout=5)
            await check.close()

    # --- the model ----------------------------------------------------------------------------

    async def _model_ill(self) -> None:
        model = self.scene.rig.model
        rules = [
            model.rule("status", status=429, retry_after="1", times=10),
            model.rule("status", status=500, times=5),
            model.rule("not_json", times=3),
            model.rule("disconnect", times=3),
            model.rule("cut", times=3),
        ]
        await asyncio.sleep(SICK_S)
        for rule in rules:
            rule.times = 0

    # --- silences -----------------------------------------------------------------------------

    def _silence(self, name: str, freeze: Callable[[], None], thaw: Callable[[], None]) -> None:
        """Freeze something; it thaws by itself after a while, sometimes longer than a lease."""
        if name in self._frozen and not self._frozen[name].done():
            return
        for_s = LONG_S if self.rng.random() < LONG else self.rng.uniform(*SHORT_S)

        async def frozen() -> None:
            with contextlib.suppress(ProcessLookupError):
                freeze()
            try:
                await asyncio.sleep(for_s)
            finally:
                with contextlib.suppress(ProcessLookupError, AssertionError):
                    thaw()

        self._frozen[name] = asyncio.create_task(frozen(), name=f"silence of {name}")


def _limit_files(process: psutil.Process, limit: int) -> None:
    with contextlib.suppress(psutil.Error, OSError):
        _soft, hard = process.rlimit(psutil.RLIMIT_FSIZE)
        soft = hard if limit == resource.RLIM_INFINITY else limit
        process.rlimit(psutil.RLIMIT_FSIZE, (soft, hard))
