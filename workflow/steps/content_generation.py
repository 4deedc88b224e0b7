"""Last step: writes a tutorial, resources and a quiz for each concept, many at a time.

Each content is a row of its own that succeeds or fails on its own; a crash loses only what was
being written at that moment.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Histogram

from core import telemetry
from core.errors import (
    AppError,
    LeaseLostError,
    ServiceUnavailableError,
    StepTimeoutError,
)
from core.logging import get_logger
from core.settings import get_settings
from core.states import ContentKind, ContentStatus, Step
from db.facts import NOW, EventDraft, Fact, Update
from db.recorder import record
from notifications.events import (
    ConceptData,
    ContentCompletedData,
    ContentData,
    ContentFailedData,
    EventType,
)
from workflow.asking import Asking
from workflow.contents import CONTENTS, Wanted, Work
from workflow.drafts import draft, spent_data
from workflow.drain import Drain, DrainedError
from workflow.steps.halting import Halt
from workflow.steps.writing import Written, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflow.lease import Claim

log = get_logger(__name__)

CONTENT_SECONDS: Final = Histogram(
    "roadmap_content_seconds",
    "Duration of contents, by how they ended.",
    ["kind", "outcome"],
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 900),
)

_NAMES = {
    ContentKind.TUTORIAL: "Tutorial for '{}' is ready",
    ContentKind.RESOURCES: "Resources for '{}' are ready",
    ContentKind.QUIZ: "Quiz for '{}' is ready",
}


@dataclass(slots=True)
class Tally:
    """How many contents ended how, and why the failed ones failed."""

    completed: int = 0
    failed: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    messages: dict[str, str] = field(default_factory=dict)
    halt: Halt = field(default_factory=Halt)


async def generate(claim: Claim, work: Work, *, drain: Drain) -> Tally:
    """Write all wanted contents, CONTENT_CONCURRENCY concepts at a time.

    Raises:
        LeaseLostError: Somebody else has the task now; nothing more is written.
        ServiceUnavailableError: Facts cannot be committed.
        DrainedError: The worker is to stop; what had begun is finished, the rest is left.
    """
    tally = Tally(completed=work.completed, failed=work.failed)
    slots = asyncio.Semaphore(get_settings().content_concurrency)
    by_concept = [list(group) for _, group in groupby(work.wanted, key=lambda w: w.concept_id)]
    left = Counter({group[0].concept_id: len(group) for group in by_concept})
    incomplete = set(work.failed_concepts)
    left_out = False

    async def one(want: Wanted) -> None:
        began = time.monotonic()
        with telemetry.span(
            f"content {want.kind}", attributes={"roadmap.concept_id": str(want.concept_id)}
        ):
            fact = await _write(claim, want, tally)
        outcome = ContentStatus.COMPLETED if fact.done else ContentStatus.FAILED
        CONTENT_SECONDS.labels(want.kind, outcome).observe(time.monotonic() - began)
        left[want.concept_id] -= 1
        if fact.done == 0:
            incomplete.add(want.concept_id)
        elif not left[want.concept_id] and want.concept_id not in incomplete:
            fact = replace(fact, events=(*fact.events, _concept_completed(want)))
        await record(fact)
        tally.completed += fact.done
        tally.failed += 1 - fact.done

    async def concept(group: Sequence[Wanted]) -> None:
        nonlocal left_out
        async with slots:
            if drain.begun:  # a draining worker finishes what has begun and begins nothing new
                left_out = True
                return
            async with asyncio.TaskGroup() as contents:
                for want in group:
                    contents.create_task(one(want))

    try:
        async with asyncio.TaskGroup() as concepts:
            for group in by_concept:
                concepts.create_task(concept(group))
    except BaseExceptionGroup as group_error:
        raise _first(group_error) from None
    if left_out:
        raise DrainedError
    return tally


async def _write(claim: Claim, want: Wanted, tally: Tally) -> Fact:
    """Write one content and return the fact of how that went."""
    asking = Asking(claim, Step.CONTENT_GENERATION)
    halt = tally.halt
    if halt.cause is not None:
        return _failed(claim, want, asking, tally, halt.cause)
    await record(
        Fact(
            task_id=claim.task_id,
            epoch=claim.epoch,
            rows=(_update(want, status=ContentStatus.RUNNING, started_at=NOW),),
            events=(
                draft(
                    EventType.CONTENT_STARTED,
                    f"Writing the {want.kind} for '{want.concept_title}'",
                    _data(want),
                ),
            ),
        )
    )
    try:
        async with halt.limit(get_settings().step_timeout_s):
            written = await write(claim.task_id, want, asking)
    except (LeaseLostError, ServiceUnavailableError):
        raise
    except TimeoutError:
        return _failed(claim, want, asking, tally, halt.cause or StepTimeoutError())
    except AppError as error:
        halt.after(error)
        return _failed(claim, want, asking, tally, error)
    except Exception:
        log.exception("content_crashed", concept_id=str(want.concept_id), kind=want.kind)
        return _failed(claim, want, asking, tally, AppError("An unexpected error; see the log."))
    return Fact(
        task_id=claim.task_id,
        epoch=claim.epoch,
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
                _message(want, written),
                ContentCompletedData(
                    **_data(want).model_dump(), **spent_data(asking.spent), note=written.note
                ),
            ),
        ),
    )


def _failed(claim: Claim, want: Wanted, asking: Asking, tally: Tally, error: AppError) -> Fact:
    tally.codes[error.code] += 1
    tally.messages[error.code] = error.message
    return Fact(
        task_id=claim.task_id,
        epoch=claim.epoch,
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
                f"The {want.kind} for '{want.concept_title}' failed: {error.message}",
                ContentFailedData(
                    **_data(want).model_dump(),
                    **spent_data(asking.spent),
                    code=error.code,
                    error=error.message,
                ),
            ),
        ),
    )


def _message(want: Wanted, written: Written) -> str:
    ready = _NAMES[want.kind].format(want.concept_title)
    return f"{ready}, without a web search ({written.note})" if written.note else ready


def _update(want: Wanted, *, status: ContentStatus, **values: Any) -> Update:
    return Update(CONTENTS, {"content_id": want.content_id}, {"status": str(status), **values})


def _data(want: Wanted) -> ContentData:
    return ContentData(
        concept_id=want.concept_id,
        concept_title=want.concept_title,
        kind=want.kind,
        version=want.version,
    )


def _concept_completed(want: Wanted) -> EventDraft:
    return draft(
        EventType.CONCEPT_COMPLETED,
        f"'{want.concept_title}' is complete",
        ConceptData(concept_id=want.concept_id, concept_title=want.concept_title),
    )


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
