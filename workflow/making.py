"""Makes the parts of a step, many at a time.

Each part is a row of its own that succeeds or fails on its own; a crash loses only what was being
made at that moment.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Histogram

from core import telemetry
from core.errors import AppError, LeaseLostError, ServiceUnavailableError, StepTimeoutError
from core.logging import get_logger
from core.settings import get_settings
from core.states import ContentStatus
from db.facts import NOW, Fact, Update
from db.recorder import record
from notifications.events import EventType, PartCompletedData, PartFailedData
from workflow.asking import Asking
from workflow.drafts import draft, spent_data
from workflow.drain import Drain, DrainedError
from workflow.halting import Halt
from workflow.parts import PARTS, Wanted, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflow.definition import PartsStep
    from workflow.lease import Claim

log = get_logger(__name__)

CONTENT_SECONDS: Final = Histogram(
    "roadmap_content_seconds",
    "Duration of contents, by how they ended.",
    ["kind", "outcome"],
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 900),
)


@dataclass(slots=True)
class Tally:
    """How many parts ended how, and why the failed ones failed."""

    completed: int = 0
    failed: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    messages: dict[str, str] = field(default_factory=dict)
    halt: Halt = field(default_factory=Halt)


class Maker:
    """Makes what is left of one step's parts, under one claim."""

    def __init__(self, claim: Claim, step: str, parts: PartsStep, work: Work) -> None:
        """Nothing is made yet."""
        self._claim = claim
        self._step = step
        self._parts = parts
        self._wanted = work.wanted
        self._incomplete = set(work.incomplete)
        self._left = Counter(want.need.key for want in work.wanted)
        self.tally = Tally(completed=work.completed, failed=work.failed)

    async def make(self, drain: Drain) -> Tally:
        """Make all wanted parts, those of CONTENT_CONCURRENCY keys at a time.

        Raises:
            LeaseLostError: Somebody else has the task now; nothing more is written.
            ServiceUnavailableError: Facts cannot be committed.
            DrainedError: The worker is to stop; what had begun is finished, the rest is left.
        """
        slots = asyncio.Semaphore(get_settings().content_concurrency)
        left_out = False
        by_key: defaultdict[str, list[Wanted]] = defaultdict(list)
        for want in self._wanted:
            by_key[want.need.key].append(want)

        async def key(group: Sequence[Wanted]) -> None:
            nonlocal left_out
            async with slots:
                if drain.begun:  # what has begun is finished, nothing new begins
                    left_out = True
                    return
                async with asyncio.TaskGroup() as parts:
                    for want in group:
                        parts.create_task(self._one(want))

        try:
            async with asyncio.TaskGroup() as keys:
                for group in by_key.values():
                    keys.create_task(key(group))
        except BaseExceptionGroup as group_error:
            raise _first(group_error) from None
        if left_out:
            raise DrainedError
        return self.tally

    async def _one(self, want: Wanted) -> None:
        need = want.need
        began = time.monotonic()
        with telemetry.span(f"content {need.kind}", attributes={"roadmap.part": need.key}):
            fact = await self._make(want)
        outcome = ContentStatus.COMPLETED if fact.done else ContentStatus.FAILED
        CONTENT_SECONDS.labels(need.kind, outcome).observe(time.monotonic() - began)
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

    async def _make(self, want: Wanted) -> Fact:
        """Make one part and return the fact of how that went."""
        about = self._parts.data(want)
        asking = Asking(self._claim, self._step, want=want, about=about)
        halt = self.tally.halt
        if halt.cause is not None:
            return self._failed(want, asking, halt.cause)
        await record(
            Fact(
                task_id=self._claim.task_id,
                epoch=self._claim.epoch,
                rows=(_update(want, status=ContentStatus.RUNNING, started_at=NOW),),
                events=(
                    draft(
                        EventType.CONTENT_STARTED,
                        self._parts.making(want),
                        self._parts.data(want),
                    ),
                ),
            )
        )
        try:
            async with halt.limit(get_settings().step_timeout_s):
                written = await self._parts.make(self._claim.task_id, want, asking)
        except (LeaseLostError, ServiceUnavailableError):
            raise
        except TimeoutError:
            return self._failed(want, asking, halt.cause or StepTimeoutError())
        except AppError as error:
            halt.after(error)
            return self._failed(want, asking, error)
        except Exception:
            log.exception("content_crashed", key=want.need.key, kind=want.need.kind)
            return self._failed(want, asking, AppError("An unexpected error; see the log."))
        data = self._parts.data(want).model_dump()
        return Fact(
            task_id=self._claim.task_id,
            epoch=self._claim.epoch,
            done=1,
            usage=asking.spent,
            progressed=True,
            rows=(
                _update(
                    want,
                    status=ContentStatus.COMPLETED,
                    finished_at=NOW,
                    body=written.body,
                    **(want.spent + asking.spent).columns(),
                ),
                *written.rows,
            ),
            events=(
                draft(
                    EventType.CONTENT_COMPLETED,
                    self._parts.ready(want, written),
                    PartCompletedData(**data, **spent_data(asking.spent), note=written.note),
                ),
            ),
        )

    def _failed(self, want: Wanted, asking: Asking, error: AppError) -> Fact:
        self.tally.codes[error.code] += 1
        self.tally.messages[error.code] = error.message
        data = self._parts.data(want).model_dump()
        return Fact(
            task_id=self._claim.task_id,
            epoch=self._claim.epoch,
            failed=1,
            usage=asking.spent,
            progressed=True,
            rows=(
                _update(
                    want,
                    status=ContentStatus.FAILED,
                    finished_at=NOW,
                    error={"code": error.code, "message": error.message},
                    **(want.spent + asking.spent).columns(),
                ),
            ),
            events=(
                draft(
                    EventType.CONTENT_FAILED,
                    self._parts.failed(want, error.message),
                    PartFailedData(
                        **data, **spent_data(asking.spent), code=error.code, error=error.message
                    ),
                ),
            ),
        )


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
