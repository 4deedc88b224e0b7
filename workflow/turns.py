"""Decides whose task begins next: the user who has the fewest tasks running comes first.

A delivery whose task has to wait puts it off and ends at once, so that its slot is free for the
next message; when a slot becomes free, whoever is first in line then is rung for. So the line is
made of rows: it is the same for all workers, whoever sent the messages and in whatever order.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter

from core import timeouts
from core.gathering import Gathering
from core.logging import get_logger
from core.loop_local import LoopLocal
from core.stages import all_that_can_run
from db.raw import raw_of, raw_statements
from db.repositories.line_bounds import bounds as bounds_of_all
from db.repositories.turns import look, look_at_all, next_in_line
from db.repositories.user_locks import PATIENCE_S, lock_user
from db.session import read_session
from workflow.ringing import ring_again

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from uuid import UUID

    from core.gathering import Asked
    from db.ledger import TaskRow
    from db.repositories.line_bounds import Bounds
    from db.repositories.turns import Turn
    from db.session import Transaction

log = get_logger(__name__)

DEFERRED: Final = Counter("roadmap_deferred_total", "Deliveries whose task had to wait.")
LARGEST_CALL: Final = 100
MOST_ALARMS: Final = 1000
LONGEST_ALARM_S: Final = 3600.0
PAUSE_S: Final = 0.1
"""Between two looks at the line: when hundreds are put off, one look does for many."""


UNKNOWN_FOR_S: Final = 60.0
"""So long tasks that this process does not know how to run are passed over since it met one."""


class DeferredError(Exception):
    """Others come first: the task was put off, and is rung for when its turn has come."""


class _Gate:
    """Lets the claims of one user in this process through, one after the other."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.moved_at = time.monotonic()
        self.claims = 0


_gates: Final[LoopLocal[dict[str, _Gate]]] = LoopLocal(dict)


_met_unknown: Final[LoopLocal[list[float]]] = LoopLocal(list)
"""When a task was met that this process does not know how to run."""


def note_unknown() -> None:
    """Let no task that this process cannot run stand before others, as long as there may be such.

    They wait for a worker that knows them, which may never come; what this process has room for,
    the next that it knows shall have.
    """
    _met_unknown.get()[:] = [time.monotonic()]


def bounds() -> Bounds:
    """Return what the line is counted by, as this process sees it."""
    met = _met_unknown.get()
    if not met or time.monotonic() - met[0] > UNKNOWN_FOR_S:
        return bounds_of_all()
    return replace(bounds_of_all(), known=all_that_can_run())


async def look_at(task_id: UUID) -> Turn | None:
    """Return whether it is a task's turn, and put it off if not; takes no lock that outlasts this.

    None when there is nothing to take: most late and repeated deliveries end here.
    """
    return await _looks.get().ask(task_id)


async def _look_at_all(asked: Sequence[Asked[UUID, Turn | None]]) -> list[Turn | None]:
    async with raw_statements() as raw:
        turns = await look_at_all(raw, [each.item for each in asked], bounds=bounds())
    return [turns.get(each.item) for each in asked]


_looks: Final[LoopLocal[Gathering[UUID, Turn | None]]] = LoopLocal(lambda: Gathering(_look_at_all))


@asynccontextmanager
async def one_of_user(user_id: str) -> AsyncIterator[bool]:
    """Let one claim of a user at a time go on in this process; tell whether this one is alone.

    They queue here, without a connection, and only the first one asks other processes. When that
    one does not get on for as long as a process's patience lasts, the others go on without.
    """
    gates = _gates.get()
    gate = gates.setdefault(user_id, _Gate())
    gate.claims += 1
    alone = False
    try:
        while not alone and (left_s := gate.moved_at + PATIENCE_S - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with timeouts.timeout(left_s):
                    alone = await gate.lock.acquire()
        if alone:
            gate.moved_at = time.monotonic()
        yield alone
    finally:
        if alone:
            gate.moved_at = time.monotonic()
            gate.lock.release()
        gate.claims -= 1
        if not gate.claims:
            del gates[user_id]


async def defer_unless_still_next(tx: Transaction, row: TaskRow, *, alone: bool) -> bool:
    """Look again at a locked task that is about to begin.

    Only one task of a user is looked at at a time, or several would each take the last place.
    """
    if alone:
        await lock_user(tx.session, row.user_id)
    turn = await look(await raw_of(tx.session), row.task_id, bounds=bounds())
    return turn is not None and turn.put_off


async def ring_next() -> int:
    """Ring for the deferred tasks whose turn it is; return how many there were."""
    async with read_session() as session:
        task_ids = await next_in_line(session, bounds=bounds(), limit=LARGEST_CALL)
    return await ring_again(task_ids, still=lambda row: row.deferred_at is not None)


class Caller:
    """Calls the next in line in the background; calls that come meanwhile become one."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._ending = asyncio.Event()
        self._alarms: list[asyncio.TimerHandle] = []

    def call(self) -> None:
        """Look at the line soon."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="next-in-line")

    def call_at(self, at: datetime) -> None:
        """Look at the line when a task may begin; a sweep would find it a few seconds later."""
        if len(self._alarms) < MOST_ALARMS:
            in_s = (at - datetime.now(UTC)).total_seconds()
            if in_s < LONGEST_ALARM_S:
                loop = asyncio.get_running_loop()
                alarm = loop.call_later(max(in_s, 0) + PAUSE_S, self._alarm)
                self._alarms.append(alarm)

    def _alarm(self) -> None:
        now = asyncio.get_running_loop().time()
        self._alarms = [alarm for alarm in self._alarms if alarm.when() > now]
        self.call()

    async def settle(self) -> None:
        """Wait until nothing is being called, and call nothing more."""
        for alarm in self._alarms:
            alarm.cancel()
        self._ending.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while self._again:
            self._again = False
            try:
                await ring_next()
            except Exception as error:  # noqa: BLE001 - maintenance.recover looks again
                log.warning("queue_scan_failed", error=type(error).__name__)
            with suppress(TimeoutError):
                async with timeouts.timeout(PAUSE_S):
                    await self._ending.wait()


_callers: Final[LoopLocal[Caller]] = LoopLocal(Caller)


def call_next() -> None:
    """Ring for who is next, in the background: a slot, or a user's place, has become free."""
    _callers.get().call()


def call_at(at: datetime) -> None:
    """Ring for who is next at that time, if this process still lives then."""
    _callers.get().call_at(at)


async def settle() -> None:
    """Wait for what `call_next` began in this loop."""
    caller = _callers.pop()
    if caller is not None:
        await caller.settle()
