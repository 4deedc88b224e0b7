"""Sees within two seconds that a worker's process ended, and frees the tasks that it held.

Each process asks once a second whose locks are free (`db.life`). A living process whose connection
was cut takes its lock again at once, so a lock that stays free for a moment belongs to nobody any
more. After a restart of the server, which frees all locks, everybody gets longer for that. Whoever
judges too early does no harm but repeated work: the fence refuses the other one's writes.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import asyncpg

from core import timeouts
from core.logging import get_logger
from db.answering import EVERY_S, SETTLE_S, answering
from db.life import life
from db.repositories.leases import LOOK
from db.session import is_transient, read_session
from workflow.recovery import free_ended

if TYPE_CHECKING:
    from collections.abc import Sequence

log = get_logger(__name__)

GRACE_S: Final = 0.7
"""A lock that is free for so long will not be taken again."""
FIRST_S: Final = 3.0
"""How long the start of a process waits for its lock."""
AGAIN_S: Final = 0.1
LONGEST_PAUSE_S: Final = 1.0
_A_LITTLE_S: Final = 0.01


class Watch:
    """One process's eye on the others."""

    def __init__(self) -> None:
        self._seen: dict[int, float] = {}
        self._trusted_at = 0.0
        self._was_open = False
        self._pause_s = AGAIN_S
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Take the lock of this process's life and look from now on."""
        try:
            async with timeouts.timeout(FIRST_S):
                await self._hold()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            log.warning("life_lock_delayed", error=type(error).__name__)
            life().drop()
        self._task = asyncio.create_task(self._run(), name="lives")

    async def end(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                wait_s = await self._look()
                self._pause_s = AGAIN_S
            except Exception as error:
                if not _is_weather(error):
                    log.exception("look_at_lives_failed")
                await self._pause(error)
                continue
            with suppress(TimeoutError):  # a broken connection is opened again at once
                await asyncio.wait_for(life().broken.wait(), wait_s)

    async def _pause(self, error: Exception) -> None:
        """Wait after a failure, longer from one to the next."""
        if isinstance(error, TimeoutError):
            life().drop()
        await asyncio.sleep(self._pause_s * random.uniform(0.5, 1))  # noqa: S311 - jitter
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    async def _hold(self) -> None:
        if await life().hold():
            if self._was_open:
                # ours was broken, so others' may be, too
                self._trusted_at = asyncio.get_running_loop().time() + SETTLE_S
            self._was_open = True

    async def _look(self) -> float:
        """Look once; return how long to wait before the next time."""
        await self._hold()
        up_s, ended = await self._ask()
        answering().answered()
        now = asyncio.get_running_loop().time()
        self._trusted_at = max(self._trusted_at, now + SETTLE_S - up_s)
        self._seen = {number: self._seen.get(number, now) for number in ended}
        due_at = {number: max(at + GRACE_S, self._trusted_at) for number, at in self._seen.items()}
        due = [number for number, at in due_at.items() if at <= now]
        if due:
            freed = await free_ended(due)
            log.warning("lives_ended", lives=len(due), tasks=freed)
        soonest = min((at - now for at in due_at.values() if at > now), default=EVERY_S)
        return min(EVERY_S * random.uniform(0.9, 1), soonest + _A_LITTLE_S)  # noqa: S311 - jitter

    async def _ask(self) -> tuple[float, Sequence[int]]:
        own = life()
        if own.connection is not None:
            (row,) = await own.connection.fetch(LOOK, own.number)
        else:  # none is possible here; others may still have theirs
            async with read_session() as session:
                connection = await session.connection()
                row = (await connection.exec_driver_sql(LOOK, (own.number,))).one()
        return row[0], row[1]


def _is_weather(error: Exception) -> bool:
    return is_transient(error) or isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError))
