"""Who uses the system during a storm, each with connections of their own and a ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from chaos.weather import Door, Look, Weather
from core.ids import new_id

if TYPE_CHECKING:
    import random

    from chaos.viewers import Viewers
    from tests.e2e.faults.rig import Rig

FOREIGN: Final = 4
"""One task in so many is asked for by another program, over the broker."""
REVIEWED: Final = 5
REJECTED: Final = 0.3
RACED: Final = 0.3
MISSED_S: Final = 4.0
"""A message whose task has no row after so long is taken for lost, and sent again."""


@dataclass(kw_only=True, slots=True)
class Ledger:
    """What the people know: which tasks they were promised, which they cancelled."""

    accepted: dict[UUID, str] = field(default_factory=dict)
    cancelled: set[UUID] = field(default_factory=set)
    asked: int = 0
    ended: int = 0


class Users:
    """Keep so many tasks going, by the API and by a foreign program."""

    def __init__(
        self,
        *,
        rig: Rig,
        address: str,
        weather: Weather,
        ledger: Ledger,
        viewers: Viewers,
        active: int,
    ) -> None:
        self._rig = rig
        self._address = address
        self._weather = weather
        self._ledger = ledger
        self._viewers = viewers
        self._slots = asyncio.Semaphore(active)
        self._tasks: set[asyncio.Task[None]] = set()
        self._look = Look(weather, "users' look", rig.database_url)
        self._door = Door(weather, "user", address)

    async def run(self, calm: asyncio.Event, *, most: int) -> None:
        """Ask for tasks until it is calm, then wait for the answers."""
        while not calm.is_set() and self._ledger.asked < most:
            await self._slots.acquire()
            number = self._ledger.asked
            self._ledger.asked += 1
            self._tasks.add(asyncio.create_task(self._one(number), name=f"user {number}"))
            self._tasks = {task for task in self._tasks if not task.done()}
            await asyncio.sleep(0.02)

    async def settle(self) -> None:
        """Wait until all that was asked for has been accepted and has ended."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._door.close()
        self._look.close()

    @property
    def waiting(self) -> int:
        """How many wait for an answer or for their task's end."""
        return sum(not task.done() for task in self._tasks)

    async def _one(self, number: int) -> None:
        try:
            goal = f"Learn storm {number}"
            foreign = number % FOREIGN == 1
            task_id = await (self._send(goal) if foreign else self._post(number, goal))
            self._ledger.accepted[task_id] = goal
            self._viewers.add(number, task_id)
            while not await self._ended(task_id):  # noqa: ASYNC110 - weather
                await asyncio.sleep(0.5)
            self._ledger.ended += 1
        except Exception as error:  # noqa: BLE001 - a storm goes on
            self._weather.note("user", error)
        finally:
            self._slots.release()

    async def _ended(self, task_id: UUID) -> bool:
        rows = await self._look.fetch(
            "SELECT 1 FROM roadmap_tasks WHERE task_id = $1 AND finished_at IS NOT NULL", task_id
        )
        return bool(rows)

    async def _post(self, number: int, goal: str) -> UUID:
        """Ask by the API; a lost answer is asked for again under the same key."""
        while True:
            answer = await self._door.ask(
                "POST",
                "/tasks",
                json={"goal": goal, "review": number % REVIEWED == 0},
                headers={"Idempotency-Key": f"storm-{number}"},
            )
            if answer is not None and answer.is_success:
                return UUID(answer.json()["task_id"])
            raise AssertionError(f"POST /tasks: {answer and answer.text}")

    async def _send(self, goal: str) -> UUID:
        """Ask as a program without our code does: twice, and again while there is no row."""
        task_id = new_id()
        loop = asyncio.get_running_loop()
        while True:
            for _ in range(2):
                await self._weather.through(
                    "foreign program",
                    lambda: asyncio.to_thread(self._rig.send, str(task_id), goal, user="local"),
                    tries=3,
                )
            deadline = loop.time() + MISSED_S
            while loop.time() < deadline:
                if await self._look.fetch(
                    "SELECT 1 FROM roadmap_tasks WHERE task_id = $1", task_id
                ):
                    return task_id
                await asyncio.sleep(0.3)


class Human:
    """Decides reviews, sometimes twice at the same moment, sometimes against a cancellation."""

    def __init__(
        self, *, address: str, url: str, weather: Weather, ledger: Ledger, rng: random.Random
    ) -> None:
        self._door = Door(weather, "human", address)
        self._rival = Door(weather, "rival", address)
        self._look = Look(weather, "human's look", url)
        self._ledger = ledger
        self._rng = rng

    async def run(self, calm: asyncio.Event) -> None:
        """Decide until it is calm."""
        while not calm.is_set():
            rows = await self._look.fetch(
                "SELECT task_id, round FROM reviews WHERE status = 'open' LIMIT 20"
            )
            for row in rows or []:
                await self._decide(row["task_id"], first=row["round"] == 1)
            await asyncio.sleep(0.3)
        await self._door.close()
        await self._rival.close()
        self._look.close()

    async def _decide(self, task_id: UUID, *, first: bool) -> None:
        body: dict[str, Any] = {"decision": "approve"}
        if first and self._rng.random() < REJECTED:
            body = {"decision": "reject", "feedback": "Knots"}
        path = f"/tasks/{task_id}/review"
        asked = await self._door.ask("GET", path, tries=3)
        if asked is None or not asked.is_success:
            return
        # a decision whose answer was lost is sent again, and must not decide what came after it
        about = {"If-Match": asked.headers["etag"]}
        asks = [self._door.ask("POST", path, json=body, headers=about, tries=3)]
        if self._rng.random() < RACED:
            # another one decides at the same time: one wins, the other is told so
            approval = {"decision": "approve"}
            asks.append(self._rival.ask("POST", path, json=approval, headers=about, tries=3))
        await asyncio.gather(*asks)


class Impatient:
    """Cancels tasks at any moment."""

    def __init__(
        self, *, address: str, url: str, weather: Weather, ledger: Ledger, rng: random.Random
    ) -> None:
        self._door = Door(weather, "impatient", address)
        self._look = Look(weather, "impatient's look", url)
        self._ledger = ledger
        self._rng = rng

    async def run(self, calm: asyncio.Event) -> None:
        """Cancel one every other second until it is calm."""
        while not calm.is_set():
            rows = await self._look.fetch(
                "SELECT task_id FROM roadmap_tasks WHERE finished_at IS NULL LIMIT 50"
            )
            if rows:
                task_id = self._rng.choice(rows)["task_id"]
                answer = await self._door.ask("POST", f"/tasks/{task_id}/cancel", tries=3)
                if answer is not None and answer.is_success:
                    self._ledger.cancelled.add(task_id)
            await asyncio.sleep(2)
        await self._door.close()
        self._look.close()
