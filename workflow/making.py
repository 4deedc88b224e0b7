"""Makes the parts of a step, many at a time.

Each part is a row of its own that succeeds or fails on its own; a crash loses only what was being
made at that moment.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from prometheus_client import Histogram

from core import telemetry
from core.errors import AppError, LeaseLostError, ServiceUnavailableError
from core.settings import get_settings
from core.states import ContentStatus
from core.usage import NOTHING, Usage
from db.facts import NOW, EventDraft, Fact, Update
from db.recorder import record
from notifications.events import EventType
from workflow.asking import Asking
from workflow.drafts import spent_data, stored_error
from workflow.drain import Drain, DrainedError
from workflow.key_slots import KeySlot, SlotHold
from workflow.limits import check_result
from workflow.parts import PARTS, Wanted, Work
from workflow.retrying import limit_s, options_of, pause, took_too_long
from workflow.tally import Tally
from workflow.trying import bounded, tried

if TYPE_CHECKING:
    from db.facts import JsonText
    from workflow.lease import Claim
    from workflow.step import PartsStep, Written

_Told = dict[str, Any]
"""The data of an event about a part, as JSON: `PartData`, and what else its event tells. Making
each event's by its model takes as long as all that is done to record it."""

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
        self._wanted = work.wanted
        self._options = options_of(claim, step)
        self._incomplete = set(work.incomplete)
        self._left_out = False
        self._left = Counter(want.need.key for want in work.wanted)
        self.tally = Tally(
            completed=work.completed,
            failed=work.failed,
            failed_at={step} if work.failed else set(),
        )

    async def make(self, drain: Drain) -> Tally:
        """Make all wanted parts, those of a few keys at a time.

        Raises:
            LeaseLostError: Somebody else has the task now; nothing more is written.
            ServiceUnavailableError: Facts cannot be committed.
            DrainedError: The worker is to stop; what had begun is finished, the rest is left.
        """
        concurrency = self._options.concurrency or get_settings().content_concurrency
        slots = asyncio.Semaphore(concurrency)
        by_key: defaultdict[str, list[Wanted]] = defaultdict(list)
        for want in self._wanted:
            by_key[want.need.key].append(want)

        try:
            async with asyncio.TaskGroup() as parts:
                for group in by_key.values():
                    slot = KeySlot(slots)
                    holds = [SlotHold(slot) for _ in group]
                    for hold in holds:
                        await hold.take()  # here: a part that has to wait is no task yet
                    for want, hold in zip(group, holds, strict=True):
                        parts.create_task(self._one(want, hold, drain))
        except BaseExceptionGroup as group_error:
            raise _first(group_error) from None
        if self._left_out:
            raise DrainedError
        return self.tally

    async def _one(self, want: Wanted, hold: SlotHold, drain: Drain) -> None:
        """Make one part, unless the worker is to stop: then nothing new begins."""
        try:
            if drain.begun:
                self._left_out = True
            else:
                await self._recorded(want, hold)
        except DrainedError:
            self._left_out = True  # it waited for its next try
        finally:
            hold.give()

    async def _recorded(self, want: Wanted, hold: SlotHold) -> None:
        """Make one part, and record how that went."""
        need = want.need
        began = time.monotonic()
        # for good: each part has an asyncio task of its own, whose context ends with it
        structlog.contextvars.bind_contextvars(key=need.key, kind=need.kind)
        with telemetry.span(f"content {need.kind}", attributes={"roadmap.part": need.key}):
            fact = await self._make(want, hold)
        outcome = ContentStatus.COMPLETED if fact.done else ContentStatus.FAILED
        took = time.monotonic() - began
        _seconds(need.kind, outcome, self._claim.workflow).observe(took)
        self._left[need.key] -= 1
        if fact.done == 0:
            self._incomplete.add(need.key)
        await record(self._with_completion(want, fact))
        self.tally.completed += fact.done
        self.tally.failed += 1 - fact.done

    def _with_completion(self, want: Wanted, fact: Fact) -> Fact:
        """Tell with the last part of a key that all of them are there."""
        if self._left[want.need.key] or want.need.key in self._incomplete:
            return fact
        complete = self._parts.complete(want)
        return replace(fact, events=(*fact.events, complete)) if complete else fact

    async def _make(self, want: Wanted, hold: SlotHold) -> Fact:
        """Make one part and return the fact of how that went."""
        halt = self.tally.halt
        about = self._parts.data(want)
        told = about.model_dump(mode="json")  # what all events about the part have in common
        if halt.cause is not None:
            return self._failed(want, told, NOTHING, halt.cause)
        await record(
            Fact(
                task_id=self._claim.task_id,
                epoch=self._claim.epoch,
                rows=(_update(want, status=ContentStatus.RUNNING, started_at=NOW),),
                events=(_event(EventType.CONTENT_STARTED, self._parts.making(want), told),),
            )
        )
        spent = NOTHING

        async def once() -> tuple[Written, JsonText]:
            nonlocal spent
            if halt.cause is not None:
                raise halt.cause
            asking = Asking(self._claim, self._step, want=want, about=about)
            try:
                return await self._once(want, asking)
            finally:
                asking.end()
                spent += asking.spent

        async def wait(error: AppError, seconds: float) -> None:
            hold.give()
            await pause(self._claim, self._step, error, seconds, want)
            await hold.take()

        try:
            made = await tried(once, retries=self._options.retries, pause=wait)
        except (LeaseLostError, ServiceUnavailableError):
            raise
        except AppError as error:
            return self._failed(want, told, spent, error)
        return self._made(want, told, spent, *made)

    async def _once(self, want: Wanted, asking: Asking) -> tuple[Written, JsonText]:
        """Try to make one part; return it, and its body as it will be stored.

        Raises:
            AppError: It cannot be made, or took too long, or the making of all was halted.
        """
        halt, need = self.tally.halt, want.need
        try:
            written = await bounded(
                partial(self._parts.make, self._claim.task_id, want, asking),
                limit=halt.limit(limit_s(self._options)),
                name=f"{need.kind} of {need.key} at {self._step} of task {self._claim.task_id}",
            )
        except TimeoutError:
            raise halt.cause or took_too_long(self._options) from None
        except AppError as error:
            halt.after(error)
            raise
        return written, check_result(written.body, what=f"The {need.kind} of {need.title!r}")

    def _made(
        self, want: Wanted, told: _Told, spent: Usage, written: Written, body: JsonText
    ) -> Fact:
        return Fact(
            task_id=self._claim.task_id,
            epoch=self._claim.epoch,
            done=1,
            usage=spent,
            progressed=True,
            rows=(
                _update(
                    want,
                    status=ContentStatus.COMPLETED,
                    finished_at=NOW,
                    body=body,
                    **(want.spent + spent).columns(),
                ),
                *written.rows,
            ),
            events=(
                _event(
                    EventType.CONTENT_COMPLETED,
                    self._parts.ready(want, written),
                    {**told, **spent_data(spent), "note": written.note},
                ),
            ),
        )

    def _failed(self, want: Wanted, told: _Told, spent: Usage, error: AppError) -> Fact:
        self.tally.failed_at.add(self._step)
        self.tally.codes[error.code] += 1
        self.tally.messages[error.code] = error.message
        return Fact(
            task_id=self._claim.task_id,
            epoch=self._claim.epoch,
            failed=1,
            usage=spent,
            progressed=True,
            rows=(
                _update(
                    want,
                    status=ContentStatus.FAILED,
                    finished_at=NOW,
                    error=stored_error(error),
                    **(want.spent + spent).columns(),
                ),
            ),
            events=(
                _event(
                    EventType.CONTENT_FAILED,
                    self._parts.failed(want, error.message),
                    {**told, **spent_data(spent), "code": error.code, "error": error.message},
                ),
            ),
        )


def _event(kind: EventType, message: str, data: _Told) -> EventDraft:
    return EventDraft(type=kind, message=message, data=data)


def _update(want: Wanted, *, status: ContentStatus, **values: Any) -> Update:
    return Update(PARTS, {"content_id": want.content_id}, {"status": str(status), **values})


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
