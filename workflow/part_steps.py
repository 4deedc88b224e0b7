"""Runs one step that makes parts, and decides whether the task goes on with what there is."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from core.states import Step
from core.time_limit import TimeLimit
from core.usage import Usage
from db.facts import Fact
from db.recorder import record
from db.repositories.parts import newest_parts
from db.session import retrying_read
from notifications.events import EventType, StepStartedData
from workflow.asking import Asking
from workflow.drafts import counted, draft
from workflow.drain import drain
from workflow.ending import Result, conclude
from workflow.history import round_of
from workflow.limits import checked_parts
from workflow.making import Maker
from workflow.parts import Work, work_left
from workflow.retrying import limit_s, options_of, took_too_long
from workflow.step import StepResult
from workflow.stepping import STEP_SECONDS, context_of, done_with, finished
from workflow.tally import tally_of
from workflow.trying import bounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflow.lease import Claim
    from workflow.parts import Need
    from workflow.step import PartsStep
    from workflow.tally import Tally


async def make_parts(claim: Claim, step: str, parts: PartsStep) -> Result | None:
    """Make what is left of a step's parts; None when the task goes on with another step."""
    work = await _work(claim, step, parts)
    maker = Maker(claim, step, parts, work)
    rows, begun = maker.begin(work.rows)
    number = round_of(claim.history, step)
    await record(
        Fact(
            task_id=claim.task_id,
            epoch=claim.epoch,
            step=step,
            total=work.total,
            reset_done=work.completed,
            reset_failed=work.failed + work.failed_elsewhere,
            begins=True,
            rows=rows,
            events=(
                draft(
                    EventType.STEP_STARTED,
                    f"Writing {counted(len(work.wanted), parts.noun)}",
                    StepStartedData(step=step, round=number, worker=claim.worker),
                ),
                *begun,
            ),
        )
    )
    claim.fresh = False
    # what is over by now would be kept in memory for as long as the parts are made
    del work, rows, begun
    claim.kept.clear()
    started = time.monotonic()
    tally = await maker.make(drain())
    took = time.monotonic() - started
    STEP_SECONDS.labels(step, claim.workflow).observe(took)
    result = StepResult(
        output={"completed": tally.completed, "failed": tally.failed},
        input_digest="",
        summary=f"{counted(tally.completed, parts.noun)} written",
    )
    done = done_with(claim, step, result)
    after = claim.next_step(then=done)
    options = options_of(claim, after)
    needs = parts.needs if options.needs is None else options.needs
    enough = not options.counts(step) or _enough(tally, needs)
    if after == Step.HUMAN_REVIEW and tally.failed and not tally.completed:
        enough = False  # nobody is asked about nothing
    if after == Step.COMPLETED or not enough:
        return await conclude(claim, await _of_all(claim, tally))
    await record(finished(claim, step, number, result, Usage(), took))
    claim.history.append(done)
    return None


async def too_few_for(claim: Claim, step: str) -> Tally | None:
    """Return how the parts stand when a step needs more of them than there are."""
    options = options_of(claim, step)
    made = {each for each in claim.definition.parts if options.counts(each)}
    if options.needs is None or made.isdisjoint(done.step for done in claim.history):
        return None
    if _enough(await tally_of(claim, made), options.needs):
        return None
    return await tally_of(claim)


async def _of_all(claim: Claim, tally: Tally) -> Tally:
    """Return how all parts of the task stand, where another step makes some, too."""
    if len(claim.definition.parts) == 1:
        return tally
    return replace(await tally_of(claim), halt=tally.halt)


def _enough(tally: Tally, needs: float) -> bool:
    """Tell whether so many parts are there that the next step may run."""
    total = tally.completed + tally.failed
    if not total or needs <= 0:
        return True
    return tally.completed > 0 and tally.completed / total >= needs


async def _work(claim: Claim, step: str, parts: PartsStep) -> Work:
    """Return what is to be done for a step's parts."""
    options = options_of(claim, step)
    asking = Asking(claim, step)

    async def listed() -> Sequence[Need]:
        return await parts.list(await context_of(claim, asking))

    try:
        needs = await bounded(
            listed, limit=TimeLimit(limit_s(options)), name=f"{step} of task {claim.task_id}"
        )
    except TimeoutError:
        raise took_too_long(options) from None
    needs = checked_parts(needs, step)
    if claim.fresh:
        return work_left(claim.task_id, step, needs, ())
    made_in = None if len(claim.definition.parts) > 1 else step
    newest = await retrying_read(
        partial(newest_parts, task_id=claim.task_id, step=made_in, hidden=True)
    )
    return work_left(claim.task_id, step, needs, newest)
