"""Random faults under load, from a seed; nothing may be lost, doubled or left hanging."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from sqlalchemy.exc import DBAPIError

from chaos.checker import judge
from chaos.faults import Faults
from core.errors import AppError
from core.ids import new_id
from core.settings import get_settings
from core.states import TERMINAL, Decision
from db.engine import dispose_engine
from db.migrate import upgrade
from embedded import EmbeddedPostgres, EmbeddedRedis
from roadmaps.requests import ReviewDecision, TaskRequest
from tests.e2e.faults.rig import Rig
from tests.e2e.faults.scripted_model import ScriptedModel
from tests.factories import ALICE, approve
from workflow.service import cancel_task, create_task, decide_review

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

LATENCY_S: Final = 0.15
ACTIVE: Final = 24
"""Tasks at a time."""
SETTLE_S: Final = 180.0
_PASSING: Final = (AppError, DBAPIError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How long and how hard."""

    minutes: float
    seed: int
    most_tasks: int = 5000


@dataclass(kw_only=True, slots=True)
class Report:
    """What a storm gave."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=dict)
    recovery_s: list[float] = field(default_factory=list)
    took_s: float = 0.0

    def text(self) -> str:
        """Return the report for people."""
        lines = [f"storm of {self.took_s:.0f} s, seed {self.seed}"]
        lines += [f"  {name}: {number}" for name, number in sorted(self.counts.items())]
        lines += [f"  fault {name}: {number}" for name, number in sorted(self.faults.items())]
        if self.recovery_s:
            lines.append(
                f"  recovery after a kill: median {median(self.recovery_s):.1f} s,"
                f" longest {max(self.recovery_s):.1f} s of {len(self.recovery_s)}"
            )
        lines += [f"  WRONG {line}" for line in self.wrong] or ["  nothing is wrong"]
        return "\n".join(lines)


class Storm:
    """One storm: users, a human, beat and faults at the same time."""

    def __init__(
        self, options: Options, rig: Rig, postgres: EmbeddedPostgres, rng: random.Random
    ) -> None:
        self._options = options
        self._rig = rig
        self._rng = rng
        self._postgres = postgres
        self._accepted: dict[UUID, str] = {}
        self._cancelled: set[UUID] = set()
        self._calm = asyncio.Event()
        workers = [
            rig.worker(concurrency=16, doomed=True, ready=False, MAX_ATTEMPTS="100"),
            rig.worker(concurrency=16, doomed=True, ready=False, MAX_ATTEMPTS="100"),
            rig.worker(pool="prefork", concurrency=2, doomed=True, ready=False, MAX_ATTEMPTS="100"),
        ]
        self._faults = Faults(
            rig=rig, postgres=postgres, workers=workers, rng=rng, held_by=self._held_by
        )

    async def run(self) -> Report:
        """Blow, calm down, judge."""
        began = time.monotonic()
        report = Report(seed=self._options.seed, faults=self._faults.done)
        for worker in self._faults.workers:
            await asyncio.to_thread(worker.wait_ready)
        async with asyncio.TaskGroup() as group:
            for loop in (self._users, self._human, self._beat, self._impatient):
                group.create_task(loop())
            await self._blow()
            self._calm.set()
        await self._settle(report)
        look = await asyncpg.connect(self._rig.database_url)
        try:
            wrong, report.counts = await judge(
                self._rig, look, self._accepted, cancelled=self._cancelled
            )
            report.wrong += wrong
            report.recovery_s = await self._recoveries(look)
        finally:
            await look.close()
        report.counts["accepted"] = len(self._accepted)
        report.took_s = time.monotonic() - began
        return report

    async def _blow(self) -> None:
        end = time.monotonic() + 60 * self._options.minutes
        while time.monotonic() < end:
            await asyncio.sleep(self._rng.uniform(1, 6))
            with contextlib.suppress(*_PASSING):
                name = await self._faults.one()
                print(
                    f"{time.strftime('%H:%M:%S')} {name}, {len(self._accepted)} tasks", flush=True
                )
            await self._faults.heal()

    async def _every(self, pause_s: float, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat until it is calm; what fails because of a fault is tried again."""
        while not self._calm.is_set():
            with contextlib.suppress(*_PASSING):
                await work()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._calm.wait(), pause_s)

    async def _query(self, statement: str, *arguments: Any) -> list[Any]:
        connection = await asyncpg.connect(self._rig.database_url, timeout=5)
        try:
            return list(await connection.fetch(statement, *arguments, timeout=5))
        finally:
            await connection.close()

    async def _held_by(self, worker: str) -> list[str]:
        with contextlib.suppress(*_PASSING):
            rows = await self._query(
                "SELECT task_id FROM roadmap_tasks WHERE lease_owner LIKE $1", f"{worker}@%"
            )
            return [str(row["task_id"]) for row in rows]
        return []

    async def _users(self) -> None:
        async def ask() -> None:
            open_tasks = await self._query(
                "SELECT task_id FROM roadmap_tasks WHERE finished_at IS NULL"
            )
            for _ in range(ACTIVE - len(open_tasks)):
                if len(self._accepted) >= self._options.most_tasks:
                    return
                number = len(self._accepted)
                request = TaskRequest(goal=f"Learn storm {number}", review=number % 5 == 0)
                task_id = new_id()
                # accepted is what was answered; a lost answer is asked for again under one id
                while task_id not in self._accepted:
                    with contextlib.suppress(*_PASSING):
                        await create_task(request, user_id="alice", task_id=task_id)
                        self._accepted[task_id] = request.goal
                if number % 7 == 0:  # a foreign program that repeats itself
                    with contextlib.suppress(*_PASSING):
                        await asyncio.to_thread(self._rig.send, str(task_id), request.goal)

        await self._every(0.2, ask)

    async def _human(self) -> None:
        async def decide() -> None:
            waiting = await self._query(
                "SELECT r.task_id, r.round FROM reviews r WHERE r.status = 'open'"
            )
            for row in waiting:
                if row["round"] == 1 and self._rng.random() < 0.3:  # noqa: PLR2004 - a share
                    rejection = ReviewDecision(decision=Decision.REJECT, feedback="Knots")
                    await decide_review(row["task_id"], rejection, actor=ALICE)
                else:
                    await approve(row["task_id"])

        await self._every(0.3, decide)

    async def _beat(self) -> None:
        async def sweep() -> None:
            await asyncio.to_thread(self._rig.sweep)

        await self._every(1.0, sweep)

    async def _impatient(self) -> None:
        async def cancel() -> None:
            rows = await self._query(
                "SELECT task_id FROM roadmap_tasks WHERE finished_at IS NULL LIMIT 50"
            )
            if rows:
                await self._cancel(self._rng.choice(rows)["task_id"])

        await self._every(2.0, cancel)

    async def _cancel(self, task_id: UUID) -> None:
        with contextlib.suppress(*_PASSING):  # perhaps committed, and only the answer was lost
            await cancel_task(task_id, actor=ALICE)
        with contextlib.suppress(*_PASSING):
            rows = await self._query("SELECT status FROM roadmap_tasks WHERE task_id = $1", task_id)
            if rows[0]["status"] == "cancelled":
                self._cancelled.add(task_id)

    async def _settle(self, report: Report) -> None:
        """End all faults and wait until every task has ended, with a human and beat at work."""
        await self._faults.heal()
        self._rig.redis_signal(signal.SIGCONT)
        self._calm.clear()
        loops = [asyncio.create_task(loop()) for loop in (self._human, self._beat)]
        deadline = time.monotonic() + SETTLE_S
        open_tasks: list[Any] = [None]
        while open_tasks and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
            await self._faults.heal()
            with contextlib.suppress(*_PASSING):
                open_tasks = await self._query(
                    "SELECT task_id FROM roadmap_tasks WHERE NOT status = ANY($1)",
                    [str(status) for status in TERMINAL],
                )
        self._calm.set()
        await asyncio.gather(*loops)
        if open_tasks:
            report.wrong.append(f"{len(open_tasks)} tasks did not end within {SETTLE_S} s of calm")
            print(self._rig.logs())
        # cancellations whose answer and whose check were lost
        rows = await self._query("SELECT task_id FROM task_events WHERE type = 'task_cancelled'")
        self._cancelled |= {row["task_id"] for row in rows}

    async def _recoveries(self, look: asyncpg.Connection) -> list[float]:
        found = []
        for loss in self._faults.losses:
            for task_id in loss.tasks:
                at = await look.fetchval(
                    "SELECT min(created_at) FROM task_events WHERE task_id = $1::uuid"
                    " AND type = 'task_recovered' AND created_at > to_timestamp($2)",
                    task_id,
                    loss.at,
                )
                if at is not None:
                    found.append(at.timestamp() - loss.at)
        return found


def blow(options: Options) -> Report:
    """Start the servers, run a storm, end everything."""
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as name,
        EmbeddedPostgres(Path(name) / "postgres", max_connections=200) as postgres,
        EmbeddedRedis(Path(name) / "redis") as redis,
        ScriptedModel(latency_s=LATENCY_S) as model,
    ):
        rig = Rig(database_url=postgres.url, redis=redis, model=model, folder=Path(name))
        try:
            with rig.client():
                upgrade()
                return asyncio.run(_blow(options, rig, postgres))
        finally:
            rig.close()
            get_settings.cache_clear()


async def _blow(options: Options, rig: Rig, postgres: EmbeddedPostgres) -> Report:
    try:
        rng = random.Random(options.seed)  # noqa: S311 - choices, not secrets
        return await Storm(options, rig, postgres, rng).run()
    finally:
        await dispose_engine()
