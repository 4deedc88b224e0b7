"""Advances one task: step after step, each committed before the next begins."""

from __future__ import annotations

import time
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
from db.repositories.parts import newest_parts
from db.session import read_session, retrying
from notifications.events import EventType, StepCompletedData, StepStartedData
from workflow.asking import Asking
from workflow.definition import StepContext, StepResult
from workflow.drafts import counted, draft, spent_data
from workflow.drain import DrainedError, drain
from workflow.ending import Result, conclude, fail, release_run, tally_of
from workflow.history import Done, round_of
from workflow.making import Maker
from workflow.parts import Work, work_left
from workflow.reviews import open_review, pass_review

if TYPE_CHECKING:
    from sqlalchemy import Table

    from workflow.definition import PartsStep
    from workflow.lease import Claim

log = get_logger(__name__)

CHECKPOINTS: Final = cast("Table", Checkpoint.__table__)
STEP_SECONDS: Final = Histogram(
    "roadmap_step_seconds",
    "Duration of steps.",
    ["step"],
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
)


async def advance(claim: Claim) -> Result:
    """Run step after step until the task ends, waits for a human, or must be left."""
    try:
        while True:
            drain().check()
            step = claim.next_step()
            if step == Step.COMPLETED:
                return await conclude(claim, await tally_of(claim))
            if (ended := await _work_on(claim, step)) is not None:
                return ended
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


async def _work_on(claim: Claim, step: str) -> Result | None:
    """Do one step; None when the task goes on with another one."""
    if step == Step.HUMAN_REVIEW:
        return await _review(claim)
    with structlog.contextvars.bound_contextvars(step=step), telemetry.span(f"step {step}"):
        if parts := claim.definition.parts.get(step):
            return await _make_parts(claim, step, parts)
        await _run_step(claim, step)
        return None


async def _review(claim: Claim) -> Result | None:
    """Ask a human, unless the task asks for no review."""
    if claim.asks_review:
        await open_review(claim)
        return Result.WAITING_FOR_REVIEW
    claim.history.append(await pass_review(claim))
    return None


async def _run_step(claim: Claim, step: str) -> None:
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
            result = await claim.definition.steps[step](context)
    except TimeoutError:
        raise StepTimeoutError(usage=asking.spent) from None
    except AppError as error:
        error.details["usage"] = asking.spent  # of all the step's calls, not only the failed one
        raise
    took = time.monotonic() - started
    STEP_SECONDS.labels(step).observe(took)
    log.info("step_completed", round=number, seconds=round(took, 3))
    await record(_finished(claim, step, number, result, asking, took))
    claim.history.append(_done(claim, step, result))


def _done(claim: Claim, step: str, result: StepResult) -> Done:
    return Done(
        position=len(claim.history) + 1,
        step=step,
        input_digest=result.input_digest,
        output=result.output,
    )


def _finished(
    claim: Claim, step: str, number: int, result: StepResult, asking: Asking, took: float
) -> Fact:
    checkpoint = Insert(
        CHECKPOINTS,
        {
            "task_id": claim.task_id,
            "position": len(claim.history) + 1,
            "step": step,
            "workflow_version": claim.definition.version,
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
    base = StepContext(
        task_id=claim.task_id,
        user_id=claim.user_id,
        request=claim.request,
        history=tuple(claim.history),
        asking=asking,
    )
    return await claim.definition.context(base)


async def _make_parts(claim: Claim, step: str, parts: PartsStep) -> Result | None:
    """Make what is left of a step's parts; None when the task goes on with another step."""
    work = await _work(claim, step, parts)
    number = round_of(claim.history, step)
    await record(
        Fact(
            task_id=claim.task_id,
            epoch=claim.epoch,
            step=step,
            total=work.total,
            reset_done=work.completed,
            reset_failed=work.failed,
            begins=True,
            rows=work.rows,
            events=(
                draft(
                    EventType.STEP_STARTED,
                    f"Writing {counted(len(work.wanted), parts.noun)}",
                    StepStartedData(step=step, round=number, worker=claim.worker),
                ),
            ),
        )
    )
    started = time.monotonic()
    tally = await Maker(claim, step, parts, work).make(drain())
    took = time.monotonic() - started
    STEP_SECONDS.labels(step).observe(took)
    result = StepResult(
        output={"completed": tally.completed, "failed": tally.failed},
        input_digest="",
        summary=f"{counted(tally.completed, parts.noun)} written",
    )
    done = _done(claim, step, result)
    after = claim.next_step(then=done)
    share = tally.completed / work.total if work.total else 1.0
    if after == Step.COMPLETED or share < parts.needs or (work.total and not tally.completed):
        return await conclude(claim, tally, step=step)
    await record(_finished(claim, step, number, result, Asking(claim, step), took))
    claim.history.append(done)
    return None


async def _work(claim: Claim, step: str, parts: PartsStep) -> Work:
    context = await _context(claim, Asking(claim, step))
    needs = await parts.list(context)

    async def read() -> Work:
        async with read_session() as session:
            newest = await newest_parts(session, claim.task_id, step=step, hidden=True)
        return work_left(claim.task_id, step, needs, newest)

    return await retrying(read)
