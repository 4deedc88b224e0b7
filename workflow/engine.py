"""Advances one task: step after step, each committed before the next begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from core import telemetry
from core.errors import (
    AppError,
    LeaseLostError,
    ServiceUnavailableError,
    TooManyStepsError,
)
from core.logging import get_logger
from core.states import Step
from workflow.drain import DrainedError, drain
from workflow.ending import Result, conclude, fail, release_run
from workflow.limits import MOST_STEPS
from workflow.part_steps import make_parts, too_few_for
from workflow.reviews import open_review, pass_review
from workflow.stepping import run_step
from workflow.tally import tally_of
from workflow.trying import as_ours

if TYPE_CHECKING:
    from workflow.lease import Claim

log = get_logger(__name__)


async def advance(claim: Claim) -> Result:
    """Run step after step until the task ends, waits for a human, or must be left."""
    try:
        while True:
            drain().check()
            step = claim.next_step()
            if step == Step.COMPLETED:
                return await conclude(claim, await tally_of(claim))
            if (tally := await too_few_for(claim, step)) is not None:
                return await conclude(claim, tally)
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
    except Exception as error:  # noqa: BLE001 - logged, and told as the task's failure
        return await fail(claim, as_ours(error))


async def _work_on(claim: Claim, step: str) -> Result | None:
    """Do one step; None when the task goes on with another one."""
    if len(claim.history) >= MOST_STEPS:
        raise TooManyStepsError
    if step == Step.HUMAN_REVIEW:
        return await _review(claim)
    with structlog.contextvars.bound_contextvars(step=step), telemetry.span(f"step {step}"):
        if parts := claim.definition.parts.get(step):
            return await make_parts(claim, step, parts)
        await run_step(claim, step)
        return None


async def _review(claim: Claim) -> Result | None:
    """Ask a human, unless the task asks for no review."""
    if claim.asks_review:
        await open_review(claim)
        return Result.WAITING_FOR_REVIEW
    claim.history.append(await pass_review(claim))
    return None
