"""Group commit: facts of many workflows of this process, committed together.

While one batch is being committed the next one gathers, so the number of facts per transaction
grows with the load and a fact waits for at most one other transaction. One workflow with one
commit per fact costs ten times the client CPU (51 against 4.1 ms per workflow of 95 calls).

Under high load a second batch is written beside the first, so that PostgreSQL works while the
event loop does and the other way round: a tenth more jobs a second, and no more CPU for each.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Types
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Final, cast

from prometheus_client import Counter, Histogram
from sqlalchemy.exc import DBAPIError

from core import telemetry
from core.logging import get_logger
from core.loop_local import LoopLocal
from db.facts import Recorded
from db.ledger import was_committed, write_fact, write_facts
from db.raw import raw_of, raw_transaction
from db.session import Transaction, retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from core.errors import AppError
    from db.facts import Fact
    from db.ledger import TaskRow

log = get_logger(__name__)

LARGEST_BATCH: Final = 500
"""The more at a time, the less each costs; but making a batch holds the event loop up."""
WRITERS: Final = 2
"""A third one made no job quicker."""
MANY: Final = 50
"""So many facts that wait are worth a second transaction; fewer go together later for less."""
GATHERING_S: Final = 0.004
"""How long the next batch gathers under load: a statement costs the same for one row and for many,
and nobody notices so short a wait."""
PATIENT_TRIES: Final = 7
"""A restart of PostgreSQL takes seconds; the lease lasts longer."""
BATCHES: Final = Histogram(
    "roadmap_recorder_batch_facts",
    "Facts committed in one transaction.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
ALONE: Final = Counter(
    "roadmap_recorder_facts_alone_total", "Facts that were written alone after their batch failed."
)

COMMITTED: Final = Counter(
    "roadmap_events_committed_total", "Events committed with the facts they tell.", ["type"]
)

_observers: list[Callable[[Recorded], None]] = []


def observe(callback: Callable[[Recorded], None]) -> None:
    """Call back after each commit, once per fact; the callback must not block and must not raise.

    It is called in the context in which the fact was recorded. This is how committed events reach
    Redis, and how a worker is asked for, without this layer knowing of either.
    """
    if callback not in _observers:
        _observers.append(callback)


def unobserve(callback: Callable[[Recorded], None]) -> None:
    """Stop calling back."""
    if callback in _observers:
        _observers.remove(callback)


@cache
def _committed(kind: str) -> Counter:
    return COMMITTED.labels(kind)


def announce(recorded: Recorded) -> None:
    """Count and tell a committed fact."""
    _count((recorded,))
    _tell(recorded)


def _count(outcomes: Iterable[object]) -> None:
    """Count the committed events."""
    recorded = (each for each in outcomes if isinstance(each, Recorded))
    types = Types(event["type"] for each in recorded for event in each.events)
    for kind, number in types.items():
        _committed(kind).inc(number)


def _tell(recorded: Recorded) -> None:
    """Tell the observers of a committed fact, in the context in which it became true."""
    for observer in _observers:
        try:
            observer(recorded)
        except Exception:  # the fact is committed: whoever waits for it must hear that
            log.exception("observer_failed")


async def record_in(tx: Transaction, fact: Fact, *, row: TaskRow | None = None) -> Recorded:
    """Write a fact in an open transaction; observers hear of it after the commit.

    Args:
        tx: The transaction.
        fact: What became true.
        row: The task's row, if this transaction has locked and read it, and not changed it since.

    Raises:
        AppError: The fact was refused.
    """
    recorded = await write_fact(await raw_of(tx.session), fact, row=row)
    tx.on_commit(lambda: announce(recorded))
    return recorded


async def record_all_in(tx: Transaction, facts: Sequence[Fact]) -> list[Recorded | AppError]:
    """Write many facts in an open transaction; observers hear of each after the commit.

    Returns:
        For each fact what was recorded, or why it was refused.
    """
    outcomes = await write_facts(await raw_of(tx.session), facts)
    for outcome in outcomes:
        if isinstance(outcome, Recorded):
            tx.on_commit(partial(announce, outcome))
    return outcomes


async def record(fact: Fact) -> Recorded:
    """Commit a fact together with whatever else is pending in this process, and return it.

    Raises:
        AppError: The fact was refused; nothing of it was written.
        ServiceUnavailableError: The database kept failing.
    """
    return await _recorders.get().add(fact)


@dataclass(slots=True)
class _Pending:
    fact: Fact
    future: asyncio.Future[Recorded]
    origin: str | None = field(default_factory=telemetry.position)
    """Where in which trace the fact became true."""
    context: Context = field(default_factory=copy_context)
    """Of the caller: what follows from the fact belongs to the request that led to it."""


class Recorder:
    """The writers of one event loop; callers wait for their own fact only.

    One writer is enough until many facts wait; then a second one takes those of other tasks. What
    a task's facts are in is one batch at a time, so they keep their order.
    """

    def __init__(self) -> None:
        self._ready: list[_Pending] = []
        self._behind: dict[UUID, list[_Pending]] = {}
        """What waits for an earlier batch of its task, by the tasks whose facts are under way."""
        self._writers: set[asyncio.Task[None]] = set()

    def add(self, fact: Fact) -> asyncio.Future[Recorded]:
        """Queue the fact, and return what waits for its commit.

        Who cancels that before the fact's batch began takes the fact back.
        """
        pending = _Pending(fact, asyncio.get_running_loop().create_future())
        self._behind.get(fact.task_id, self._ready).append(pending)
        writers = len(self._writers)
        if not writers or (writers < WRITERS and len(self._ready) >= MANY):
            # a context of its own, since it writes for many callers
            writer = asyncio.create_task(self._write_all(), name="recorder", context=Context())
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)
        return pending.future

    async def flush(self) -> None:
        """Wait until nothing is pending."""
        while self._writers:
            await asyncio.wait(self._writers)

    async def _write_all(self) -> None:
        while self._ready:
            await self._write_next()
            if len(self._writers) > 1 and len(self._ready) < MANY:
                break
            if 1 < len(self._ready) < LARGEST_BATCH:
                await asyncio.sleep(GATHERING_S)
        # at once, not when the loop comes to it: whoever is left counts on who else writes
        self._writers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _write_next(self) -> None:
        batch = [entry for entry in self._ready[:LARGEST_BATCH] if not entry.future.done()]
        rest, self._ready = self._ready[LARGEST_BATCH:], []
        self._behind.update((entry.fact.task_id, []) for entry in batch)
        for entry in rest:
            self._behind.get(entry.fact.task_id, self._ready).append(entry)
        try:
            if batch:
                await self._write(batch)
        finally:
            for task_id in {entry.fact.task_id for entry in batch}:
                self._ready += self._behind.pop(task_id)

    async def _write(self, batch: list[_Pending]) -> None:
        BATCHES.observe(len(batch))
        first, *others = [entry.origin for entry in batch]
        try:
            with telemetry.span("commit facts", parent=first, links=others):
                outcomes = await _commit([entry.fact for entry in batch])
        except Exception as error:  # noqa: BLE001 - each caller gets it
            if len(batch) > 1 and isinstance(error, DBAPIError):
                # one of them is bad: each alone, so that only the bad one fails
                ALONE.inc(len(batch))
                for entry in batch:
                    await self._write([entry])
                return
            log.warning("facts_refused", facts=len(batch), error=type(error).__name__)
            outcomes = [error] * len(batch)
        _count(outcomes)
        for entry, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                if not entry.future.done():
                    entry.future.set_exception(outcome)
            else:
                entry.context.run(_tell, outcome)
                if not entry.future.done():
                    entry.future.set_result(outcome)


async def _commit(facts: list[Fact]) -> list[Recorded | AppError] | list[Exception]:
    """Commit the facts in one transaction, once, also when a reply was lost."""
    written: list[Recorded | AppError] | None = None

    async def once() -> list[Recorded | AppError]:
        nonlocal written
        async with raw_transaction(by_key=True) as raw:
            if written is not None and await was_committed(raw, facts, written):
                return written
            # from here on the commit may have happened unseen
            written = await write_facts(raw, facts)
        return written

    return await retrying(once, tries=PATIENT_TRIES)


_recorders: LoopLocal[Recorder] = LoopLocal(Recorder)


async def flush_recorder() -> None:
    """Wait until everything that is pending on the running loop is committed or refused."""
    recorder = _recorders.pop()
    if recorder is not None:
        await recorder.flush()
