"""The rig of all fault tests: real servers, a scripted model, workers to break, and the ledgers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Final

from core.given import PREFIX
from core.settings import get_settings
from core.states import TERMINAL
from tests.e2e.faults.broker_side import BrokerSide
from tests.e2e.faults.judging import Seen
from tests.e2e.faults.worker_process import ROOT, WorkerProcess
from tests.factories import events, until
from workflow import doorbell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from uuid import UUID

    import asyncpg

    from embedded import EmbeddedRedis
    from tests.e2e.faults.scripted_model import ScriptedModel

LEASE_S: Final = 2.0
"""Of workers that will be silent. The others keep theirs for so long that a slow machine, whose
loops stand still for a second, does not lose tasks by accident; when one is killed, its tasks are
free at once."""
LONG_LEASE_S: Final = 30.0
STANDING_SLOTS: Final = 4
SWEEP_S: Final = 0.5
"""How often the rig, in beat's place, asks for `maintenance.recover`."""
_NOISE: Final = ("HTTP Request:", "maintenance.recover")


class Rig(BrokerSide):
    """Servers, workers and what a test asks of them."""

    def __init__(
        self,
        *,
        database_url: str,
        redis: EmbeddedRedis,
        model: ScriptedModel,
        folder: Path,
    ) -> None:
        super().__init__(redis)
        self.model = model
        self.database_url = database_url
        self._folder = folder
        self._workers: list[WorkerProcess] = []
        self._standing: WorkerProcess | None = None
        self._numbers = count(1)

    # --- settings and processes -------------------------------------------------------------

    def settings(self, **more: str) -> dict[str, str]:
        """Return the settings of a program in this rig; `more` by name, without the prefix."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis.url,
            "LLM_PROVIDER": "openai",
            "LLM_BASE_URL": self.model.base_url,
            "LLM_API_KEY": "no-secret",
            "AUTH": "none",
            "LEASE_S": str(LONG_LEASE_S),
            "SHUTDOWN_GRACE_S": "5",
            **more,
        }

    @contextlib.contextmanager
    def client(self) -> Iterator[None]:
        """Let this process ask for tasks, decide and cancel, as the API would."""
        saved = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
        for name in saved:
            del os.environ[name]
        given = {PREFIX + name: value for name, value in self.settings().items()}
        os.environ.update(given)
        get_settings.cache_clear()
        doorbell.install(self._ring)
        try:
            yield
        finally:
            doorbell.install(None)
            for name in given:
                del os.environ[name]
            os.environ.update(saved)
            get_settings.cache_clear()

    def worker(
        self,
        *,
        pool: str = "threads",
        concurrency: int = 16,
        ready: bool = True,
        doomed: bool = False,
        release: Path = ROOT,
        **settings: str,
    ) -> WorkerProcess:
        """Start a worker; `settings` without the prefix win over the rig's.

        Args:
            pool: Celery's pool.
            concurrency: Its slots.
            ready: Wait until it takes messages.
            doomed: It will be frozen, or is of a release that knows no lives: its leases are short.
            release: The tree whose code it runs.
            settings: By name.
        """
        self.dismiss_standing_worker()
        if doomed:
            settings.setdefault("LEASE_S", str(LEASE_S))
        name = f"w{next(self._numbers)}"
        worker = self._new_worker(
            name, pool=pool, concurrency=concurrency, release=release, **settings
        )
        self._workers.append(worker)
        worker.start()
        if ready:
            worker.wait_ready()
        return worker

    def _new_worker(
        self,
        name: str,
        *,
        pool: str = "threads",
        concurrency: int,
        release: Path = ROOT,
        **settings: str,
    ) -> WorkerProcess:
        return WorkerProcess(
            name=name,
            settings=self.settings(**settings),
            log=self._folder / f"{name}.log",
            pool=pool,
            concurrency=concurrency,
            release=release,
        )

    def standing_worker(self) -> WorkerProcess:
        """Return a worker that is shared by the tests that do not break it.

        It has `STANDING_SLOTS` slots and writes one concept at a time.
        """
        if self._standing is None:
            self._standing = self._new_worker(
                "standing", concurrency=STANDING_SLOTS, CONTENT_CONCURRENCY="1"
            )
            self._standing.start()
            self._standing.wait_ready()
        assert self._standing.returncode is None, self._standing.log_text()
        self._standing.mark()
        return self._standing

    def dismiss_standing_worker(self) -> None:
        """End the shared worker, for tests that must not be disturbed by it."""
        standing, self._standing = self._standing, None
        if standing is not None:
            standing.kill()

    async def kill_children(self, worker: WorkerProcess) -> None:
        """SIGKILL a prefork worker's children, and wait until they are gone."""
        children = [process for process in worker.processes() if process.pid != worker.pid]
        assert children, f"{worker.name} has no children"
        for child in children:
            child.kill()
        await self.until_true(
            lambda: (
                not {child.pid for child in children}
                & {process.pid for process in worker.processes()}
            ),
            what="the end of killed children",
        )

    def end_workers(self) -> None:
        """Kill whatever worker still runs, frozen or not, and check that nothing is left."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.kill()
        left = [process for worker in workers for process in worker.processes()]
        assert not left, f"workers left processes behind: {left}"

    def close(self) -> None:
        """End the workers and the connections to the broker."""
        try:
            self.dismiss_standing_worker()
            self.end_workers()
        finally:
            self._app.close()

    def logs(self) -> str:
        """Return the ends of all workers' logs, for failure messages."""
        told = []
        standing = [self._standing] if self._standing else []
        for worker in (*standing, *self._workers):
            lines = [
                line
                for line in worker.log_text().splitlines()
                if not any(noise in line for noise in _NOISE)
            ]
            told.append(f"--- {worker.name}, exit code {worker.returncode}")
            told += lines[-40:]
        return "\n".join(told)

    # --- what the database tells ------------------------------------------------------------

    async def see(self, database: asyncpg.Connection, task_id: UUID) -> Seen:
        """Return everything about a task; its events' numbers are checked on the way."""
        row = await database.fetchrow("SELECT * FROM roadmap_tasks WHERE task_id = $1", task_id)
        assert row is not None, f"no task {task_id}"
        contents = await database.fetch(
            "SELECT c.title, n.kind, n.version, n.status, n.content_id, n.finished_at"
            " FROM contents n JOIN concepts c USING (concept_id)"
            " JOIN roadmaps r ON r.roadmap_id = n.roadmap_id WHERE r.task_id = $1"
            " ORDER BY c.title, n.kind, n.version",
            task_id,
        )
        steps = await database.fetch(
            "SELECT step FROM checkpoints WHERE task_id = $1 ORDER BY position", task_id
        )
        error = row["error"] and json.loads(row["error"])
        return Seen(
            row={**row, "error": error},
            events=tuple(await events(database, task_id)),
            contents=tuple(tuple(content) for content in contents),
            checkpoints=tuple(step["step"] for step in steps),
        )

    async def statuses(
        self, database: asyncpg.Connection, task_ids: Iterable[UUID]
    ) -> Counter[str]:
        """Count these tasks by status."""
        rows = await database.fetch(
            "SELECT status FROM roadmap_tasks WHERE task_id = ANY($1)", list(task_ids)
        )
        return Counter(row["status"] for row in rows)

    async def until_status(
        self,
        database: asyncpg.Connection,
        task_ids: Iterable[UUID],
        *wanted: str,
        within_s: float = 30,
        sweeping: bool = False,
    ) -> float:
        """Wait until all these tasks have one of the statuses; return how long that took.

        Args:
            database: A connection to look with.
            task_ids: The tasks.
            wanted: Statuses; any terminal one when none is given.
            within_s: How long to wait.
            sweeping: Ask for `maintenance.recover` meanwhile, as beat does.
        """
        ids = list(task_ids)
        statuses = set(wanted or map(str, TERMINAL))
        began = swept = time.monotonic()
        found: Counter[str] = Counter()
        while time.monotonic() < began + within_s:
            found = await self.statuses(database, ids)
            if found.total() == len(ids) and found.keys() <= statuses:
                return time.monotonic() - began
            if sweeping and time.monotonic() > swept + SWEEP_S:
                await asyncio.to_thread(self.sweep)
                swept = time.monotonic()
            await asyncio.sleep(0.05)
        rows = await database.fetch(
            "SELECT task_id, goal, status, current_step, lease_owner, losses, error"
            " FROM roadmap_tasks WHERE task_id = ANY($1) AND NOT status = ANY($2)",
            ids,
            list(statuses),
        )
        raise AssertionError(
            f"{len(ids)} tasks were to be {sorted(statuses)} within {within_s} s, but are {found}:"
            f" {[dict(row) for row in rows[:5]]}\n{self.logs()}"
        )

    async def until_held(self, goal: str, calls: int, *, within_s: float = 30) -> None:
        """Wait until the model holds so many calls for that goal."""

        async def held() -> bool:
            return self.model.held(goal) == calls

        try:
            await until(held, within_s=within_s, what=f"{calls} held calls for {goal!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.model.entries(goal)}\n{self.logs()}") from None

    async def until_true(
        self, condition: Callable[[], bool], *, what: str, within_s: float = 30
    ) -> None:
        """Wait for a condition that is looked at without waiting; the logs go with a failure."""

        async def come_true() -> bool:
            return condition()

        try:
            await until(come_true, within_s=within_s, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    async def until_contents(
        self, database: asyncpg.Connection, task_id: UUID, completed: int
    ) -> None:
        """Wait until so many of a task's contents are committed."""

        async def there() -> bool:
            found = await database.fetchval(
                "SELECT count(*) FROM contents JOIN roadmaps USING (roadmap_id)"
                " WHERE task_id = $1 AND status = 'completed'",
                task_id,
            )
            return bool(found == completed)

        try:
            await until(there, within_s=30, what=f"{completed} completed contents")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    async def until_freed(
        self, database: asyncpg.Connection, task_id: UUID, *, losses: int
    ) -> None:
        """Wait until a task has lost so many workers, or was given up because of that."""

        async def freed() -> bool:
            row = await database.fetchrow(
                "SELECT losses, status FROM roadmap_tasks WHERE task_id = $1", task_id
            )
            return row is not None and (row["losses"] >= losses or row["status"] in TERMINAL)

        try:
            await until(freed, within_s=30, what="the recovery of a lost task")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    async def rings_were_long_ago(self, database: asyncpg.Connection) -> None:
        """Turn the clock on for rings, so that a lost one is missed at the next sweep."""
        await database.execute(
            "UPDATE roadmap_tasks SET rung_at = rung_at - interval '1 minute',"
            " created_at = created_at - interval '1 minute'"
            " WHERE status IN ('pending', 'processing')"
        )
