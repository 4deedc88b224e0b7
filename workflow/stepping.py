"""Runs one step that gives one result, and commits all it gave at once."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from prometheus_client import Histogram

from core.errors import AppError
from core.logging import get_logger
from core.states import ContentStatus
from core.time_limit import TimeLimit
from core.usage import Usage
from db.facts import Fact
from db.recorder import record
from db.repositories.parts import newest_parts
from db.session import retrying_read
from notifications.events import EventType, StepCompletedData, StepStartedData
from workflow.asking import Asking
from workflow.checkpoints import checkpoint
from workflow.drafts import draft, spent_data, spoken
from workflow.history import Done, round_of
from workflow.limits import check_result
from workflow.retrying import limit_s, options_of, pause, took_too_long
from workflow.step import StepContext, StepResult
from workflow.trying import Tries, bounded

if TYPE_CHECKING:
    from workflow.lease import Claim

log = get_logger(__name__)

STEP_SECONDS: Final = Histogram(
    "roadmap_step_seconds",
    "Duration of steps.",
    ["step", "workflow"],
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
)


async def run_step(claim: Claim, step: str) -> None:
    """Run a step without a transaction open, then commit all it gave at once."""
    number = round_of(claim.history, step)
    await record(
        Fact(
            task_id=claim.task_id,
            epoch=claim.epoch,
            step=step,
            begins=True,
            events=(
                draft(
                    EventType.STEP_STARTED,
                    f"{spoken(step).capitalize()} began",
                    StepStartedData(step=step, round=number, worker=claim.worker),
                ),
            ),
        )
    )
    started = time.monotonic()
    result, spent = await _tried_step(claim, step)
    took = time.monotonic() - started
    STEP_SECONDS.labels(step, claim.workflow).observe(took)
    log.info("step_completed", round=number, seconds=round(took, 3))
    await record(finished(claim, step, number, result, spent, took))
    claim.history.append(done_with(claim, step, result))


async def _tried_step(claim: Claim, step: str) -> tuple[StepResult, Usage]:
    """Return what a step gave, at its first try or a later one, and what all tries spent."""
    options = options_of(claim, step)
    tries = Tries(options.retries)
    spent = Usage()
    while True:
        asking = Asking(claim, step, parts_before=await _parts_before(claim))
        try:
            return await _once(claim, step, asking), spent + asking.spent
        except AppError as failure:
            error = failure
        finally:
            asking.end()
        spent += asking.spent
        seconds = tries.pause_after(error)
        if seconds is None:
            error.details["usage"] = spent  # of all the step's calls, not only the failed one
            raise error
        await pause(claim, step, error, seconds, None)


async def _once(claim: Claim, step: str, asking: Asking) -> StepResult:
    """Try a step once.

    Raises:
        AppError: It cannot be done, or took too long.
    """
    options, body = options_of(claim, step), claim.definition.steps[step]

    async def work() -> StepResult:
        return await body(await context_of(claim, asking))

    try:
        result = await bounded(
            work, limit=TimeLimit(limit_s(options)), name=f"{step} of task {claim.task_id}"
        )
    except TimeoutError:
        raise took_too_long(options) from None
    check_result(result.output, what=f"The result of {step!r}")
    return result


async def _parts_before(claim: Claim) -> list[str]:
    """Return the names of the finished parts that a step may read."""
    if not any(done.step in claim.definition.parts for done in claim.history):
        return []
    parts = await retrying_read(partial(newest_parts, task_id=claim.task_id))
    return sorted(str(p.content_id) for p in parts if p.status == ContentStatus.COMPLETED)


async def context_of(claim: Claim, asking: Asking) -> StepContext:
    """Return what the workflow's own steps look at."""
    base = StepContext(
        task_id=claim.task_id,
        user_id=claim.user_id,
        request=claim.request,
        history=tuple(claim.history),
        asking=asking,
        kept=claim.kept,
    )
    return await claim.definition.context(base)


def done_with(claim: Claim, step: str, result: StepResult) -> Done:
    """Return what the plan will know of a step that gave a result."""
    return Done(
        position=len(claim.history) + 1,
        step=step,
        input_digest=result.input_digest,
        output=result.output,
    )


def finished(
    claim: Claim, step: str, number: int, result: StepResult, spent: Usage, took: float
) -> Fact:
    """Return the fact that a step ended.

    Args:
        claim: The task.
        step: The step.
        number: Which round of it.
        result: What it gave.
        spent: What its model calls cost.
        took: Seconds.
    """
    done = done_with(claim, step, result)
    kept = checkpoint(claim.task_id, done, version=claim.definition.version, **spent.columns())
    completed = draft(
        EventType.STEP_COMPLETED,
        result.summary,
        StepCompletedData(
            step=step,
            round=number,
            duration_s=round(took, 3),
            issues=list(result.issues),
            **spent_data(spent),
        ),
    )
    return Fact(
        task_id=claim.task_id,
        epoch=claim.epoch,
        step=step,
        total=result.total,
        usage=spent,
        progressed=True,
        changes=result.changes,
        rows=(kept, *result.rows),
        events=(completed, *result.events),
    )
