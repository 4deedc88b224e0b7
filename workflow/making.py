"""Makes the parts of a step, many at a time.

Each part is a row of its own that succeeds or fails on its own; a crash loses only what was being
made at that moment.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import Histogram

from core import telemetry
from core.errors import AppError, LeaseLostError, ServiceUnavailableError
from core.settings import get_settings
from core.states import ContentStatus
from core.usage import NOTHING, Usage
from db.facts import Fact
from db.recorder import record
from workflow.asking import Asking
from workflow.beginning import Line, at_once
from workflow.drain import Drain, DrainedError
from workflow.key_slots import KeySlot, SlotHold
from workflow.limits import check_result
from workflow.part_facts import part_failed, part_made
from workflow.retrying import limit_s, options_of, pause, took_too_long
from workflow.tally import Tally
from workflow.trying import Tries, bounded, heeding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.facts import EventDraft, JsonText, RowWrite
    from notifications.event_data import PartTold
    from workflow.lease import Claim
    from workflow.parts import Need, Wanted, Work
    from workflow.step import PartsStep, Written

CONTENT_SECONDS: Final = Histogram(
    "roadmap_content_seconds",
    "Duration of contents, by how they ended.",
    ["kind", "outcome", "workflow"],
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 900),
)


@cache
def _seconds(kind: str, outcome: ContentStatus, workflow: str) -> Histogram:
    return CONTENT_SECONDS.labels(kind, outcome, workflow)


class Maker:
    """Makes what is left of one step's parts, under one claim."""

    def __init__(self, claim: Claim, step: str, parts: PartsStep, work: Work) -> None:
        """Nothing is made yet."""
        self._claim = claim
        self._step = step
        self._parts = parts
        self._line = Line(parts, work.wanted)
        self._first: list[list[Wanted]] = []
        self._options = options_of(claim, step)
        self._concurrency = self._options.concurrency or get_settings().content_concurrency
        self._slots = asyncio.Semaphore(self._concurrency)
        self._tasks: asyncio.TaskGroup | None = None
        self._returning = 0
        """Parts that wait for a slot to be tried again."""
        self._incomplete = set(work.incomplete)
        self._left_out = False
        self._left = Counter(want.need.key for want in work.wanted)
        self.tally = Tally(
            completed=work.completed,
            failed=work.failed,
            failed_at={step} if work.failed else set(),
        )

    def begin(self, rows: Sequence[RowWrite]) -> tuple[tuple[RowWrite, ...], list[EventDraft]]:
        """Begin the parts that have a slot at once, for the fact that their step begins.

        Args:
            rows: What that fact writes.

        Returns:
            Those rows and the events, with what tells the parts' beginning.
        """
        self._first = self._line.first(self._concurrency)
        begun, events = self._line.begin(want for group in self._first for want in group)
        return at_once(rows, begun), events

    async def make(self, drain: Drain) -> Tally:
        """Make all wanted parts, those of a few keys at a time.

        Raises:
            LeaseLostError: Somebody else has the task now; nothing more is written.
            ServiceUnavailableError: Facts cannot be committed.
            DrainedError: The worker is to stop; what had begun is finished, the rest is left.
        """
        try:
            async with asyncio.TaskGroup() as self._tasks:
                while self._first:
                    await self._slots.acquire()
                    self._start(self._first.pop(0), drain)
                while self._line:
                    await self._slots.acquire()  # here: a part that has to wait is no task yet
                    if self._line:
                        self._start(self._line.next(), drain)
                    else:  # its last key began with the end of another one
                        self._slots.release()
        except BaseExceptionGroup as group_error:
            raise _first(group_error) from None
        finally:
            self._tasks = None
        if self._left_out:
            raise DrainedError
        return self.tally

    def _start(self, group: list[Wanted], drain: Drain) -> None:
        """Make the parts of a key, for which a slot was taken."""
        slot = KeySlot(self._slots, holds=len(group))
        for want in group:
            if self._tasks is not None:
                one = self._one(want, SlotHold(slot, held=True), drain)
                self._tasks.create_task(one, name=self._name_of(want.need))

    def _name_of(self, need: Need) -> str:
        """Return the name of a part's asyncio task, for who looks what holds the event loop up."""
        return f"{need.kind} of {need.key} at {self._step} of task {self._claim.task_id}"

    async def _one(self, want: Wanted, hold: SlotHold, drain: Drain) -> None:
        """Make one part, unless the worker is to stop: then nothing new begins."""
        need, began = want.need, time.monotonic()
        if drain.begun and not self._line.has_begun(want):
            self._left_out = True
            hold.give()
            return
        try:
            # for good: each part has an asyncio task of its own, whose context ends with it
            structlog.contextvars.bind_contextvars(key=need.key, kind=need.kind)
            with telemetry.span(f"content {need.kind}", attributes={"roadmap.part": need.key}):
                fact = await self._make(want, hold)
            self._made(want, fact, took=time.monotonic() - began)
            free = hold.leave()  # its commit keeps nobody from being made
            following = self._following(drain) if free else []
            await record(self._with_others(want, fact, following))
            self.tally.completed += fact.done
            self.tally.failed += 1 - fact.done
            if following:
                self._start(following, drain)
            elif free:
                self._slots.release()
        except DrainedError:
            self._left_out = True  # it waited for its next try
        finally:
            hold.give()

    def _made(self, want: Wanted, fact: Fact, *, took: float) -> None:
        """Note how a part ended, before that is committed."""
        need = want.need
        outcome = ContentStatus.COMPLETED if fact.done else ContentStatus.FAILED
        _seconds(need.kind, outcome, self._claim.workflow).observe(took)
        self._left[need.key] -= 1
        if fact.done == 0:
            self._incomplete.add(need.key)

    def _following(self, drain: Drain) -> list[Wanted]:
        """Return the parts of the next key, if they may begin where another one has ended."""
        if drain.begun or self._returning or self.tally.halt.cause is not None:
            return []
        return self._line.next() if self._line else []

    def _with_others(self, want: Wanted, fact: Fact, following: list[Wanted]) -> Fact:
        """Tell with a part's end that all of its key are there, and which begin after it."""
        rows, events = self._line.begin(following) if following else ([], [])
        if not self._left[want.need.key] and want.need.key not in self._incomplete:
            complete = self._parts.complete(want)
            events = [complete, *events] if complete else events
        if not events:
            return fact
        return replace(fact, rows=(*fact.rows, *rows), events=(*fact.events, *events))

    async def _make(self, want: Wanted, hold: SlotHold) -> Fact:
        """Make one part and return the fact of how that went."""
        halt = self.tally.halt
        if not self._line.has_begun(want):
            await self._begin_now(want)
        told = self._line.take_up(want)
        tries = Tries(self._options.retries)
        spent = NOTHING
        while halt.cause is None:
            asking = Asking(self._claim, self._step, want=want)
            try:
                written, body = await self._once(want, asking)
            except (LeaseLostError, ServiceUnavailableError):
                raise
            except AppError as error:
                failure = error
            else:
                said = self._parts.ready(want, written)
                return part_made(
                    self._claim,
                    want,
                    told=told,
                    said=said,
                    spent=spent + asking.spent,
                    written=written,
                    body=body,
                )
            finally:
                asking.end()
            spent += asking.spent
            seconds = tries.pause_after(failure)
            if seconds is None:
                return self._failed(want, told, spent, failure)
            await self._wait(want, hold, failure, seconds)
        return self._failed(want, told, spent, halt.cause)

    async def _begin_now(self, want: Wanted) -> None:
        """Commit the beginning of a part that no other fact has told."""
        rows, events = self._line.begin([want])
        if self.tally.halt.cause is None:
            await record(
                Fact(
                    task_id=self._claim.task_id,
                    epoch=self._claim.epoch,
                    rows=tuple(rows),
                    events=tuple(events),
                )
            )

    async def _wait(self, want: Wanted, hold: SlotHold, error: AppError, seconds: float) -> None:
        """Wait for a part's next try without its slot, and then for the slot."""
        hold.give()
        await pause(self._claim, self._step, error, seconds, want)
        self._returning += 1
        try:
            await hold.take()
        finally:
            self._returning -= 1

    def _failed(self, want: Wanted, told: PartTold, spent: Usage, error: AppError) -> Fact:
        """Count a part that cannot be made, and return the fact."""
        self.tally.failed_at.add(self._step)
        self.tally.codes[error.code] += 1
        self.tally.messages[error.code] = error.message
        said = self._parts.failed(want, error.message)
        return part_failed(self._claim, want, told=told, said=said, spent=spent, error=error)

    async def _once(self, want: Wanted, asking: Asking) -> tuple[Written, JsonText]:
        """Try to make one part; return it, and its body as it will be stored.

        Raises:
            AppError: It cannot be made, or took too long, or the making of all was halted.
        """
        halt, need = self.tally.halt, want.need
        work = partial(self._parts.make, self._claim.task_id, want, asking)
        limit = halt.limit(limit_s(self._options))
        try:
            if self._parts.heeds_cancellation:
                written = await heeding(work, limit=limit)
            else:
                written = await bounded(work, limit=limit, name=self._name_of(need))
        except TimeoutError:
            raise halt.cause or took_too_long(self._options) from None
        except AppError as error:
            halt.after(error)
            raise
        finally:
            halt.ended(limit)
        return written, check_result(written.body, what=f"The {need.kind} of {need.title!r}")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that a group of them stands for: a lost lease before anything else."""
    errors: list[BaseException] = []

    def collect(found: BaseExceptionGroup[BaseException]) -> None:
        for error in found.exceptions:
            if isinstance(error, BaseExceptionGroup):
                collect(error)
            else:
                errors.append(error)

    collect(group)
    for kind in (LeaseLostError, ServiceUnavailableError):
        for error in errors:
            if isinstance(error, kind):
                return error
    return errors[0]
