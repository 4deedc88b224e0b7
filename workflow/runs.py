"""One worker's run on a task: acquires the lease, supervises the engine, leaves the task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import Counter

from core import telemetry
from core.errors import ServiceUnavailableError, TaskTimeoutError
from core.logging import get_logger
from core.settings import get_settings
from core.states import Status
from db.models import RoadmapTask
from db.session import read_session, retrying
from workflow import turns
from workflow.ending import Result, fail, release_run
from workflow.engine import advance
from workflow.heartbeat import keeper
from workflow.lease import Claim, DeferredError, Stop, acquire
from workflow.trying import GRACE_S

if TYPE_CHECKING:
    from uuid import UUID

log = get_logger(__name__)

STUCK_S: Final = GRACE_S + 1
"""Work that ignores its cancellation is left behind after this; the fence holds it off."""
RUNS: Final = Counter("roadmap_runs_total", "Runs of tasks by how they ended.", ["result"])


async def run_task(task_id: UUID, *, worker: str) -> Result:
    """Take a task and advance it as far as it goes: to its end, to a review, or to a stop.

    Whatever happens, the task is left in a legal pair that somebody will go on from: a failure is
    recorded, an interrupted one is given back as soon as the database answers.

    Args:
        task_id: The task; anything but a claimable one is left alone.
        worker: The name of this worker, for people who look at the row.
    """
    try:
        claim = await acquire(task_id, worker=worker)
    except DeferredError:
        turns.call_next()  # a place may have become free while this one was put off
        return _ended(Result.DEFERRED)
    if claim is None:
        return _ended(Result.NOTHING_TO_DO)
    structlog.contextvars.bind_contextvars(task_id=str(task_id), epoch=claim.epoch)
    log.info("task_claimed", steps_done=len(claim.history))
    keeper().keep(claim)
    try:
        with telemetry.span(
            "run", links=[claim.continues], attributes={"roadmap.task_id": str(task_id)}
        ):
            result = await _supervise(claim)
        if result is Result.INTERRUPTED:
            keeper().give_back(claim)
        if result is Result.LEASE_LOST:
            result = await _ended_elsewhere(task_id) or result
    finally:
        keeper().drop(claim)
        turns.call_next()
    log.info("run_ended", result=result)
    structlog.contextvars.unbind_contextvars("task_id", "epoch")
    return _ended(result)


def _ended(result: Result) -> Result:
    RUNS.labels(result).inc()
    return result


async def _supervise(claim: Claim) -> Result:
    """Run the claim's work until it ends, is stopped, or TASK_TIMEOUT_S is over."""
    body = asyncio.create_task(advance(claim), name=f"task-{claim.task_id}")
    stopped = asyncio.create_task(claim.stopped.wait())
    try:
        await asyncio.wait(
            {body, stopped},
            timeout=get_settings().task_timeout_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if body.done():
            return body.result()
        await _cancel(body)
    except asyncio.CancelledError:
        # whoever waits for us gives up (a hard limit, a loop that stops): stop the work with it
        await _cancel(body)
        raise
    finally:
        stopped.cancel()
    if claim.stop is Stop.LOST:
        return Result.LEASE_LOST
    if claim.stop is Stop.AWAY:
        return Result.INTERRUPTED
    if claim.stop is Stop.DRAIN:
        return await release_run(claim)
    return await fail(claim, TaskTimeoutError())


async def _cancel(body: asyncio.Task[Result]) -> None:
    """Cancel the work and wait for its end, `STUCK_S` at most; what it writes then is refused."""
    body.cancel()
    done, _ = await asyncio.wait({body}, timeout=STUCK_S)
    if not done:
        log.error("workflow_cancellation_ignored", waited_s=STUCK_S)


async def _ended_elsewhere(task_id: UUID) -> Result | None:
    """Return how a task ended that was taken from us because somebody ended it."""

    async def read() -> str | None:
        async with read_session() as session:
            task = await session.get(RoadmapTask, task_id)
            return None if task is None else task.status

    ends = {str(Status.CANCELLED): Result.CANCELLED, str(Status.FAILED): Result.FAILED}
    try:
        return ends.get(str(await retrying(read, tries=1)))
    except ServiceUnavailableError:
        return None  # it is why the lease was lost
