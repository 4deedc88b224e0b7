"""Advances one task: step after step, each committed before the next begins."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Final, cast

import structlog
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
from core.states import Step
from core.time_limit import time_limit
from db.facts import Fact, Insert
from db.models import Checkpoint
from db.recorder import record
from db.repositories import tasks as reads
from db.session import read_session, retrying
from notifications.events import EventType, StepCompletedData, StepStartedData
from workflow import outcomes
from workflow.asking import Asking
from workflow.contents import Work, work_left
from workflow.drafts import counted, draft, spent_data
from workflow.drain import DrainedError, drain
from workflow.lease import Claim, release
from workflow.outline import Outline
from workflow.plan import WORKFLOW_VERSION, Done, last_output, round_of
from workflow.reviews import open_review
from workflow.steps import STRUCTURE_STEPS, StepContext, StepResult
from workflow.steps.content_generation import Tally, generate
from workflow.stored import reading

if TYPE_CHECKING:
    from sqlalchemy import Table

    from workflow.llm import Learner

log = get_logger(__name__)

CHECKPOINTS: Final = cast("Table", Checkpoint.__table__)
STEP_SECONDS: Final = Histogram(
    "roadmap_step_seconds",
    "Duration of steps.",
    ["step"],
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
)


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


async def advance(claim: Claim) -> Result:
    """Run step after step until the task ends, waits for a human, or must be left."""
    try:
        while True:
            drain().check()
            step = claim.next_step()
            if step is Step.HUMAN_REVIEW:
                await open_review(claim)
                return Result.WAITING_FOR_REVIEW
            if step is Step.CONTENT_GENERATION:
                with (
                    structlog.contextvars.bound_contextvars(step=str(step)),
                    telemetry.span(f"step {step}"),
                ):
                    return await _generate_contents(claim)
            with (
                structlog.contextvars.bound_contextvars(step=str(step)),
                telemetry.span(f"step {step}"),
            ):
                await _run_step(claim, step)
    except DrainedError:
        return await release_run(claim)
    except LeaseLostError as error:
        log.warning("workflow_fenced_off", reason=error.message)
        return Result.LEASE_LOST
    except ServiceUnavailableError as error:
        log.error("workflow_interrupted", reason=error.message)  # noqa: TRY400 - no news in the trace
        return Result.INTERRUPTED
    except AppError as error:
        return await fail(claim, error)
    except Exception:
        log.exception("workflow_crashed")
        return await fail(claim, AppError("An unexpected error; see the worker's log."))


async def _run_step(claim: Claim, step: Step) -> None:
    """Run a step without a transaction open, then commit all it gave at once."""
    asking = Asking(claim, step)
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
                    f"{step.replace('_', ' ').capitalize()} began",
                    StepStartedData(step=step, round=number, worker=claim.worker),
                ),
            ),
        )
    )
    context = await _context(claim, asking)
    started = time.monotonic()
    try:
        async with time_limit(get_settings().step_timeout_s):
            result = await STRUCTURE_STEPS[step](context)
    except TimeoutError:
        raise StepTimeoutError(usage=asking.spent) from None
    except AppError as error:
        error.details["usage"] = asking.spent  # of all the step's calls, not only the failed one
        raise
    took = time.monotonic() - started
    STEP_SECONDS.labels(step).observe(took)
    log.info("step_completed", round=number, seconds=round(took, 3))
    await record(_finished(claim, step, number, result, asking, took))
    claim.history.append(
        Done(
            position=len(claim.history) + 1,
            step=step,
            input_digest=result.input_digest,
            output=result.output,
        )
    )
    claim.roadmap_id = result.changes.get("roadmap_id", claim.roadmap_id)


def _finished(
    claim: Claim, step: Step, number: int, result: StepResult, asking: Asking, took: float
) -> Fact:
    checkpoint = Insert(
        CHECKPOINTS,
        {
            "task_id": claim.task_id,
            "position": len(claim.history) + 1,
            "step": str(step),
            "workflow_version": WORKFLOW_VERSION,
            "input_digest": result.input_digest,
            "output": result.output,
            **asking.spent.columns(),
        },
    )
    completed = draft(
        EventType.STEP_COMPLETED,
        result.summary,
        StepCompletedData(
            step=step,
            round=number,
            duration_s=round(took, 3),
            issues=list(result.issues),
            **spent_data(asking.spent),
        ),
    )
    return Fact(
        task_id=claim.task_id,
        epoch=claim.epoch,
        step=step,
        total=result.total,
        usage=asking.spent,
        progressed=True,
        changes=result.changes,
        rows=(checkpoint, *result.rows),
        events=(completed, *result.events),
    )


async def _context(claim: Claim, asking: Asking) -> StepContext:
    outline, version = await _outline(claim)
    return StepContext(
        task_id=claim.task_id,
        user_id=claim.user_id,
        request=claim.request,
        history=tuple(claim.history),
        asking=asking,
        roadmap_id=claim.roadmap_id,
        version=version,
        outline=outline,
    )


async def _outline(claim: Claim) -> tuple[Outline | None, int]:
    async def read() -> tuple[Outline | None, int]:
        async with read_session() as session:
            roadmap = await reads.roadmap_of(session, claim.task_id)
            if roadmap is None:
                return None, 0
            stored = await reads.outline(session, roadmap.roadmap_id, roadmap.version)
            with reading("the outline"):
                return Outline.model_validate(stored), roadmap.version

    return await retrying(read)


async def _generate_contents(claim: Claim) -> Result:
    context = await _context(claim, Asking(claim, Step.CONTENT_GENERATION))
    work = await _work(claim, context)
    await record(
        Fact(
            task_id=claim.task_id,
            epoch=claim.epoch,
            step=Step.CONTENT_GENERATION,
            total=work.total,
            reset_done=work.completed,
            reset_failed=work.failed,
            begins=True,
            rows=work.rows,
            events=(
                draft(
                    EventType.STEP_STARTED,
                    f"Writing {counted(len(work.wanted), 'content')}",
                    StepStartedData(step=Step.CONTENT_GENERATION, round=1, worker=claim.worker),
                ),
            ),
        )
    )
    started = time.monotonic()
    tally = await generate(claim, work, drain=drain())
    STEP_SECONDS.labels(Step.CONTENT_GENERATION).observe(time.monotonic() - started)
    return await _conclude(claim, tally)


async def _work(claim: Claim, context: StepContext) -> Work:
    roadmap_id, outline = context.current()
    learner: Learner = context.learner

    async def read() -> Work:
        async with read_session() as session:
            contents = await reads.newest_contents(session, roadmap_id)
        with reading("the intent"):
            return work_left(
                outline,
                contents,
                roadmap_id=roadmap_id,
                learner=learner,
                language=context.language,
                topic=str((last_output(claim.history, Step.INTENT_ANALYSIS) or {})["topic"]),
            )

    return await retrying(read)


async def _conclude(claim: Claim, tally: Tally) -> Result:
    if not tally.failed:
        await record(outcomes.completion(claim, epoch=claim.epoch, contents=tally.completed))
        return Result.COMPLETED
    if tally.completed:
        await record(
            outcomes.partial_failure(
                claim,
                epoch=claim.epoch,
                completed=tally.completed,
                failed=tally.failed,
                cause=tally.halt.cause,
            )
        )
        return Result.PARTIAL_FAILURE
    return await fail(claim, _common_cause(tally))


def _common_cause(tally: Tally) -> AppError:
    """Return an error that says why every content failed, under the most frequent code."""
    if (cause := tally.halt.cause) is not None:
        return AppError(cause.message, code=cause.code)  # its usage is counted already
    if not tally.codes:
        return AppError("Every content failed.")
    code, count = tally.codes.most_common(1)[0]
    return AppError(f"Every content failed, {count} of them: {tally.messages[code]}", code=code)


async def fail(claim: Claim, error: AppError) -> Result:
    """Record that the task failed, with what was spent on the way.

    The step is the one that would come next: checkpoints tell which one did not end.
    """
    step = claim.next_step()
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


async def release_run(claim: Claim) -> Result:
    """Leave a task unfinished, for another worker to go on with at once."""
    try:
        await release(claim)
    except LeaseLostError:
        return Result.LEASE_LOST
    except ServiceUnavailableError:
        return Result.INTERRUPTED
    return Result.RELEASED
