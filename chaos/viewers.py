"""Viewers of every kind, which note each event they got: steady, cut, slow, by all transports."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tests.viewers import TRANSPORTS, Viewer

if TYPE_CHECKING:
    import random
    from uuid import UUID

    from chaos.weather import Weather

WATCHED: Final = 3
"""One task in so many is watched."""
MANNERS: Final = ("steady", "cut", "slow")
LONGEST_SILENCE_S: Final = 45.0
_ANSWER_S: Final = 10.0
_PAUSE_S: Final = 0.3


class Viewers:
    """All viewers of a storm."""

    def __init__(self, address: str, weather: Weather, rng: random.Random) -> None:
        self._address = address
        self._weather = weather
        self._rng = rng
        self._watching: dict[asyncio.Task[None], tuple[UUID, str, Viewer]] = {}
        self.cuts = 0

    def add(self, number: int, task_id: UUID) -> None:
        """Watch a task, if its number says so: transports and manners in turn."""
        if number % WATCHED:
            return
        turn = number // WATCHED
        transport = TRANSPORTS[turn % len(TRANSPORTS)]
        manner = MANNERS[turn // len(TRANSPORTS) % len(MANNERS)]
        viewer = Viewer(self._address, task_id, transport=transport)
        watching = asyncio.create_task(self._watch(viewer, manner), name=f"viewer {number}")
        self._watching[watching] = (task_id, f"{transport}, {manner}", viewer)

    @property
    def seen(self) -> list[tuple[UUID, str, list[int]]]:
        """What each got: the task, how it was watched, and the events' numbers."""
        return [(task, how, viewer.seqs) for task, how, viewer in self._watching.values()]

    async def settle(self, *, within_s: float) -> int:
        """Wait until all have seen the end; return how many have not."""
        waiting = [task for task in self._watching if not task.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=within_s)
        left = [task for task in self._watching if not task.done()]
        for task in left:
            task.cancel()
        return len(left)

    async def _watch(self, viewer: Viewer, manner: str) -> None:
        while not viewer.ended:
            try:
                async with asyncio.timeout(_ANSWER_S):
                    await viewer.connect()
                await self._follow(viewer, manner)
            except Exception as error:  # noqa: BLE001 - whatever it is, a viewer comes back
                self._weather.note("viewer", error)
            viewer.cut()
            if viewer.ended:
                return
            await asyncio.sleep(_PAUSE_S)

    async def _follow(self, viewer: Viewer, manner: str) -> None:
        lost = asyncio.ensure_future(viewer.lost())
        try:
            if manner == "cut":
                await asyncio.wait({lost}, timeout=self._rng.uniform(0.2, 3))
                self.cuts += not lost.done()
                return
            if manner == "slow":
                viewer.stop_reading()
                await asyncio.sleep(self._rng.uniform(0.5, 4))
                viewer.go_on_reading()
            await asyncio.wait({lost}, timeout=LONGEST_SILENCE_S)
        finally:
            lost.cancel()
