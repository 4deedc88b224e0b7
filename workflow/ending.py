"""How a run of a task ends: concluded by its parts, failed, or given back for another worker."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from core.errors import (
    AppError,
    LeaseLostError,
    ServiceUnavailableError,
)
from core.logging import get_logger
from db.recorder import record
from workflow import outcomes
from workflow.lease import release

if TYPE_CHECKING:
    from workflow.lease import Claim
    from workflow.tally import Tally

log = get_logger(__name__)


class Result(StrEnum):
    """How one run of a task ended. A task may take several."""

    NOTHING_TO_DO = "nothing_to_do"
    DEFERRED = "deferred"
    COMPLETED = "completed"
    PARTIAL_FAILURE = "partial_failure"
    FAILED = "failed"
    CANCELLED = "cancelled"
    WAITING_FOR_REVIEW = "waiting_for_review"
    LEASE_LOST = "lease_lost"
    RELEASED = "released"
    INTERRUPTED = "interrupted"


async def conclude(claim: Claim, tally: Tally) -> Result:
    """End the task by how all its parts ended."""
    if not tally.failed:
        await record(outcomes.completion(claim, epoch=claim.epoch, parts=tally.completed))
        return Result.COMPLETED
    steps = claim.definition.stages.steps
    step = next(each for each in steps if each in tally.failed_at)
    if tally.completed:
        await record(
            outcomes.partial_failure(
                claim,
                epoch=claim.epoch,
                step=step,
                completed=tally.completed,
                failed=tally.failed,
                cause=tally.halt.cause,
            )
        )
        return Result.PARTIAL_FAILURE
    return await fail(claim, _common_cause(claim, tally, step), step=step)


def _common_cause(claim: Claim, tally: Tally, step: str) -> AppError:
    """Return an error that says why every part failed, under the most frequent code."""
    if (cause := tally.halt.cause) is not None:
        return AppError(cause.message, code=cause.code)  # without its usage, which was counted
    noun = claim.definition.parts[step].noun
    code, count = tally.codes.most_common(1)[0]
    return AppError(f"Every {noun} failed, {count} of them: {tally.messages[code]}", code=code)


async def fail(claim: Claim, error: AppError, *, step: str | None = None) -> Result:
    """Record that the task failed, with what was spent on the way.

    The step, if none is given, is the one that would come next: checkpoints tell which one did not
    end.
    """
    step = step or _step_now(claim)
    fact = outcomes.failure(
        claim,
        error,
        step=step,
        epoch=claim.epoch,
        usage=error.details.get("usage"),
    )
    log.error("task_failed", code=error.code, step=step, reason=error.message)
    try:
        await record(fact)
    except LeaseLostError:
        return Result.LEASE_LOST
    except ServiceUnavailableError:
        return Result.INTERRUPTED
    return Result.FAILED


def _step_now(claim: Claim) -> str:
    """Return the step that comes next; the last one that ran, where the plan cannot say."""
    stages = claim.definition.stages
    try:
        step = claim.next_step()
    except Exception:  # noqa: BLE001 - it is why the task fails
        step = ""
    if step in stages.steps:
        return step
    return next((d.step for d in reversed(claim.history) if d.step in stages.steps), stages.first)


async def release_run(claim: Claim) -> Result:
    """Leave a task unfinished, for another worker to go on with at once."""
    try:
        await release(claim)
    except LeaseLostError:
        return Result.LEASE_LOST
    except ServiceUnavailableError:
        return Result.INTERRUPTED
    return Result.RELEASED
