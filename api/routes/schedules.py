"""Maintenance jobs, for admins: when each runs, how it went; pause, resume, run once."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Response

from api.auth import admin_actor
from api.problems import documented
from api.routes.tasks import POLL_S
from api.shapes import ScheduleList
from core import timeouts
from core.errors import ServiceUnavailableError
from core.logging import get_logger
from tasks import dispatch
from watching.queries import ScheduleView
from workflow import schedules

log = get_logger(__name__)
router = APIRouter(
    prefix="/admin/schedules",
    tags=["admin"],
    dependencies=[Depends(admin_actor)],
    responses=documented(403),
)

SEND_S: Final = 2.0
Name = Annotated[
    str,
    Path(
        description="The job's name, as in `purge` or `maintenance.purge`.",
        examples=["purge"],
        max_length=100,
    ),
]


@router.get("", operation_id="listSchedules", summary="Maintenance jobs")
async def list_schedules() -> ScheduleList:
    """Return all jobs, those that never ran or are paused included."""
    return ScheduleList(schedules=await schedules.list_schedules())


@router.post(
    "/{name}/pause",
    operation_id="pauseSchedule",
    summary="Let it not run when it is due",
    responses=documented(404),
)
async def pause(name: Name) -> ScheduleView:
    """Pause a job until it is resumed, over restarts too; twice is the same as once."""
    return await schedules.set_paused(name, paused=True)


@router.post(
    "/{name}/resume",
    operation_id="resumeSchedule",
    summary="Let it run when it is due",
    responses=documented(404),
)
async def resume(name: Name) -> ScheduleView:
    """Resume a job; what was due meanwhile is done once, soon."""
    return await schedules.set_paused(name, paused=False)


@router.post(
    "/{name}/run",
    operation_id="runSchedule",
    summary="Run it once, now",
    status_code=202,
    responses=documented(404),
)
async def run(name: Name, response: Response) -> ScheduleView:
    """Ask a worker to run a job, paused or not; when it is due next stays as it was."""
    job = schedules.known_job(name)
    try:
        async with timeouts.timeout(SEND_S):
            await asyncio.to_thread(dispatch.send_job, job.name)
    except Exception as error:
        log.warning("job_send_failed", job=job.name, error=type(error).__name__)
        from core.refusals import refusal  # late: whom nothing is refused never needs it

        why = refusal(error) or "cannot be reached"
        raise ServiceUnavailableError(f"The queue {why}; try again shortly.") from error
    response.headers["Retry-After"] = POLL_S
    return await schedules.get_schedule(job.name)
