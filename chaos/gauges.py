"""Counts connections and descriptors while a storm blows, and when it is over."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from chaos.scene import BUDGET

if TYPE_CHECKING:
    from chaos.scene import Scene
    from chaos.weather import Look

EVERY_S: Final = 1.0
CALM_S: Final = 60.0
SLACK: Final = 40
"""Descriptors of a process's pools, which fill when they are needed."""
_OURS: Final = """
    SELECT count(*) AS all, count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS stuck
    FROM pg_stat_activity WHERE application_name = 'roadmap-worker'
"""


@dataclass(kw_only=True, slots=True)
class Counted:
    """What was counted at one moment."""

    connections: int
    stuck: int
    redis: int
    channels: int
    descriptors: dict[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """Return it for the report."""
        files = ", ".join(f"{name} {number}" for name, number in self.descriptors.items())
        return (
            f"PostgreSQL {self.connections}, Redis {self.redis}, channels {self.channels};"
            f" descriptors: {files}"
        )


class Gauges:
    """One storm's counts."""

    def __init__(self, scene: Scene, look: Look) -> None:
        self._scene = scene
        self._look = look
        self.peak = 0
        self.before: Counted | None = None
        self.after: Counted | None = None

    async def run(self, calm: asyncio.Event) -> None:
        """Note the most connections there were at a time, until it is calm."""
        while not calm.is_set():
            rows = await self._look.fetch(_OURS, tries=1)
            if rows:
                self.peak = max(self.peak, rows[0]["all"])
            await asyncio.sleep(EVERY_S)

    async def count(self) -> Counted:
        """Count now."""
        rows = await self._look.fetch(_OURS)
        redis = channels = 0
        for _ in range(10):
            with contextlib.suppress(Exception):
                redis, channels = await asyncio.to_thread(self._ask_redis)
                break
            await asyncio.sleep(0.5)
        return Counted(
            connections=rows[0]["all"] if rows else 0,
            stuck=rows[0]["stuck"] if rows else 0,
            redis=redis,
            channels=channels,
            descriptors=await asyncio.to_thread(self._scene.descriptors),
        )

    def _ask_redis(self) -> tuple[int, int]:
        with self._scene.rig.broker() as client:
            clients: Any = client.client_list()
            channels: Any = client.pubsub_channels("task_progress:*")
            return len(clients), len(channels)

    async def settled(self) -> list[str]:
        """Wait until all is as before; return what is not."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CALM_S
        while True:
            self.after = await self.count()
            wrong = self._wrong(self.after)
            if not wrong or loop.time() > deadline:
                return wrong
            await asyncio.sleep(1)

    def _wrong(self, now: Counted) -> list[str]:
        before = self.before
        if before is None:
            return []
        wrong = []
        if max(self.peak, now.connections) > BUDGET:
            wrong.append(f"{max(self.peak, now.connections)} connections, of {BUDGET} allowed")
        if now.stuck:
            wrong.append(f"{now.stuck} connections are idle in a transaction")
        if now.channels:
            wrong.append(f"{now.channels} channels are subscribed to though nobody watches")
        if now.redis > before.redis + SLACK:
            wrong.append(f"{now.redis} connections to Redis, {before.redis} before")
        wrong += [
            f"{name} has {number} descriptors open, {before.descriptors.get(name)} before"
            for name, number in now.descriptors.items()
            if number > before.descriptors.get(name, number) + SLACK
        ]
        return wrong
