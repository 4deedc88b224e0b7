"""Random faults under load, from a seed; nothing may be lost, doubled or left hanging."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from chaos.checker import judge
from chaos.faults import Faults
from chaos.gauges import Gauges
from chaos.people import Human, Impatient, Ledger, Users
from chaos.report import UNDISTURBED_S, Report, Takeover
from chaos.scene import Scene, until_alive
from chaos.viewers import Viewers
from chaos.watchdog import Watchdog
from chaos.weather import Look, Weather
from core.settings import get_settings
from db.migrate import upgrade
from embedded import EmbeddedPostgres, EmbeddedRedis
from tests.e2e.faults.rig import Rig
from tests.e2e.faults.scripted_model import ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LATENCY_S: Final = 0.15
ACTIVE: Final = 24
"""Tasks at a time."""
WARM_S: Final = 6.0
"""Load without faults, before connections are counted."""
SETTLE_S: Final = 240.0
VIEWERS_S: Final = 60.0
PAUSE_S: Final = (1.0, 5.0)
"""Between two faults, and until so many tasks have ended, but no longer than that."""
PROGRESS: Final = 15
LONGEST_PAUSE_S: Final = 20.0
FORGET_S: Final = 5.0
HURRY_S: Final = 120.0
"""For judging a storm that is not over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How long and how hard: it ends when all three are reached, or at `longest_minutes`."""

    minutes: float
    seed: int
    least_faults: int = 0
    least_tasks: int = 0
    most_tasks: int = 20_000

    @property
    def longest_s(self) -> float:
        """How long it may blow at most."""
        return 60 * self.minutes * (3 if self.least_faults or self.least_tasks else 1)

    @property
    def deadline_s(self) -> float:
        """After how long the watchdog ends it, verdict or not."""
        return self.longest_s + SETTLE_S + VIEWERS_S + 300


class Storm:
    """One storm: users, a human, viewers and faults at the same time."""

    def __init__(self, options: Options, scene: Scene, report: Report) -> None:
        rng = random.Random(options.seed)  # noqa: S311 - choices, not secrets
        url = scene.rig.database_url
        self._options = options
        self._scene = scene
        self.report = report
        self._weather = Weather()
        self._ledger = Ledger()
        self._began = time.monotonic()
        self._calm = asyncio.Event()
        self._over = asyncio.Event()
        self._judging = Look(self._weather, "judge", url)
        self._viewers = Viewers(scene.address, self._weather, random.Random(rng.random()))  # noqa: S311
        people: dict[str, Any] = {"address": scene.address, "weather": self._weather}
        people["ledger"] = self._ledger
        self._users = Users(rig=scene.rig, viewers=self._viewers, active=ACTIVE, **people)
        self._human = Human(url=url, rng=random.Random(rng.random()), **people)  # noqa: S311
        self._impatient = Impatient(url=url, rng=random.Random(rng.random()), **people)  # noqa: S311
        self._gauges = Gauges(scene, Look(self._weather, "gauges", url))
        self._faults = Faults(
            scene=scene, look=Look(self._weather, "faults", url), weather=self._weather, rng=rng
        )
        report.faults, report.weather = self._faults.done, self._weather.met
        report.odd = self._weather.odd

    async def run(self) -> None:
        """Blow, calm down, judge."""
        await asyncio.to_thread(self._scene.start)
        await until_alive(self._scene.address)
        helpers = [
            asyncio.create_task(self._users.run(self._calm, most=self._options.most_tasks)),
            asyncio.create_task(self._human.run(self._over)),
            asyncio.create_task(self._impatient.run(self._calm)),
            asyncio.create_task(self._gauges.run(self._over)),
            asyncio.create_task(self._forgetting()),
        ]
        await asyncio.sleep(WARM_S)
        self._gauges.before = await self._gauges.count()
        await self._blow()
        self._calm.set()
        await self._settle()
        await self._see_the_end()
        self._over.set()
        await asyncio.wait(helpers, timeout=VIEWERS_S)
        await self.judge()

    async def _blow(self) -> None:
        began, options = time.monotonic(), self._options
        while (passed := time.monotonic() - began) < options.longest_s:
            enough = self._faults.done.total() >= options.least_faults
            enough = enough and len(self._ledger.accepted) >= options.least_tasks
            if enough and passed >= 60 * options.minutes:
                return
            await asyncio.sleep(self._faults.rng.uniform(*PAUSE_S))
            await self._progress()
            name = await self._guarded("fault", self._faults.one)
            open_tasks = self._users.waiting
            print(
                f"{time.strftime('%H:%M:%S')} {passed:4.0f} s  {name}:"
                f" {len(self._ledger.accepted)} tasks, {open_tasks} open",
                flush=True,
            )
            await self._guarded("healing", lambda: asyncio.to_thread(self._scene.heal))

    async def _progress(self) -> None:
        """Wait until work has gone on since the last fault, however slow the machine is."""
        ended, deadline = self._ledger.ended + PROGRESS, time.monotonic() + LONGEST_PAUSE_S
        while self._ledger.ended < ended and time.monotonic() < deadline:  # noqa: ASYNC110 - a count
            await asyncio.sleep(0.1)

    async def _guarded(self, helper: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do it once; what goes wrong is weather."""
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - a storm goes on
            self._weather.note(helper, error)
            return f"{helper} met {type(error).__name__}"

    async def _forgetting(self) -> None:
        """Have the model forget what it was asked in full; its ledger stays."""
        while not self._over.is_set():
            self._scene.rig.model.forget_requests()
            await asyncio.sleep(FORGET_S)

    async def _settle(self) -> None:
        """End all faults and wait until every task has ended, with a human at work."""
        await self._guarded("thawing", self._faults.thaw)
        print(f"{time.strftime('%H:%M:%S')} calm", flush=True)
        settled = asyncio.create_task(self._users.settle())
        deadline = time.monotonic() + SETTLE_S
        while not settled.done() and time.monotonic() < deadline:
            await asyncio.wait({settled}, timeout=2)
            await self._guarded("healing", lambda: asyncio.to_thread(self._scene.heal))
        if not settled.done():
            settled.cancel()
            open_tasks = await self._judging.fetch(
                "SELECT task_id, status, current_step, lease_owner, lease_until, losses, rung_at,"
                " deferred_at FROM roadmap_tasks WHERE finished_at IS NULL LIMIT 5",
                tries=3,
            )
            self.report.wrong.append(
                f"{self._users.waiting} tasks did not end within {SETTLE_S:.0f} s of calm:"
                f" {[dict(row) for row in open_tasks or []]}"
            )
            print(self._scene.logs())

    async def _see_the_end(self) -> None:
        left = await self._viewers.settle(within_s=VIEWERS_S)
        if left:
            self.report.wrong.append(f"{left} viewers did not see the end of their tasks")

    async def judge(self) -> None:
        """Hold the ledgers against each other."""
        report = self.report
        report.took_s = time.monotonic() - self._began
        if self._gauges.before is not None:
            report.before = self._gauges.before.text()
        rows = await self._judging.fetch(
            "SELECT DISTINCT task_id FROM task_events WHERE type = 'task_cancelled'"
        )
        # cancellations whose answer was lost, or that won against a decision
        self._ledger.cancelled |= {row["task_id"] for row in rows or []}
        look = await asyncpg.connect(self._scene.rig.database_url)
        try:
            verdict = await judge(self._scene.rig, look, self._ledger, self._viewers.seen)
        finally:
            await look.close()
        report.wrong += verdict.wrong
        report.counts = verdict.counts
        report.counts["accepted"] = len(self._ledger.accepted)
        report.counts["viewers cut by themselves"] = self._viewers.cuts
        report.takeovers = await self._takeovers()
        report.wrong += await self._gauges.settled()
        report.peak = self._gauges.peak
        if self._gauges.after is not None:
            report.after = self._gauges.after.text()

    async def _takeovers(self) -> list[Takeover]:
        found = []
        for loss in self._faults.losses:
            near = [at for at in self._faults.at if abs(at - loss.at) < UNDISTURBED_S]
            for task_id in loss.tasks:
                rows = await self._judging.fetch(
                    "SELECT min(created_at) AS at FROM task_events WHERE task_id = $1::text::uuid"
                    " AND type = 'task_recovered' AND created_at > to_timestamp($2)",
                    task_id,
                    loss.at,
                )
                at = rows[0]["at"] if rows else None
                if at is not None:
                    took_s = at.timestamp() - loss.at
                    found.append(Takeover(what=loss.what, took_s=took_s, disturbed=len(near) > 1))
        # a child's other tasks were not lost with it; what took them over came later
        return [each for each in found if each.what != "child" or each.took_s < UNDISTURBED_S]


def blow(options: Options) -> Report:
    """Start the servers, run a storm, end everything; there is always a report."""
    report = Report(seed=options.seed)
    try:
        _with_servers(options, report)
    except Exception as error:  # noqa: BLE001 - it is told, as all else that went wrong
        report.wrong.append(f"the storm could not be held: {error!r}")
        report.odd.append("".join(traceback.format_exception(error)[-6:]))
    return report


def _with_servers(options: Options, report: Report) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as name,
        EmbeddedPostgres(Path(name) / "postgres", max_connections=200) as postgres,
        EmbeddedRedis(Path(name) / "redis") as redis,
        ScriptedModel(concepts=1, latency_s=LATENCY_S) as model,
    ):
        rig = Rig(database_url=postgres.url, redis=redis, model=model, folder=Path(name))
        scene = Scene.of(rig, postgres, Path(name))
        try:
            with rig.client():
                upgrade()
            with Watchdog(report, limit_s=options.deadline_s):
                asyncio.run(_blow(options, scene, report))
        finally:
            scene.end()
            rig.close()
            get_settings.cache_clear()


async def _blow(options: Options, scene: Scene, report: Report) -> None:
    """Run a storm; one that hangs, or that somebody ends, is judged as it stands."""
    storm = Storm(options, scene, report)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    running = asyncio.create_task(storm.run())
    told = asyncio.create_task(ended.wait())
    await asyncio.wait(
        {running, told},
        timeout=options.deadline_s - HURRY_S - 60,
        return_when=asyncio.FIRST_COMPLETED,
    )
    report.load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    if running.done():
        if (error := running.exception()) is not None:
            report.wrong.append(f"the storm ended by a fault of its own: {error!r}")
            report.odd.append("".join(traceback.format_exception(error)[-6:]))
        return
    why = "somebody ended it" if told.done() else "it hung"
    report.wrong.append(f"the storm is not over, {why}: {running.get_stack(limit=1)}")
    running.cancel()
    await asyncio.wait({running}, timeout=HURRY_S / 4)
    try:
        async with asyncio.timeout(HURRY_S / 2):
            await storm.judge()
    except Exception as error:  # noqa: BLE001 - what is known is told
        report.wrong.append(f"nor could it be judged: {error!r}")
