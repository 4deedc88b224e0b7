"""What operators see of deliveries in Flower, and what its buttons do to the workflow.

Terminate and revoke cancel the task, and a time limit that was passed fails it, whatever the pool:
the row is changed first, so the worker's next write is refused and its heartbeat stops it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from celery import signals

from core.errors import AppError
from core.logging import get_logger
from tasks.roadmap import REJECTED, key_of
from worker import run_async
from workflow.actor import SYSTEM
from workflow.engine import Result
from workflow.service import cancel_task, time_out_task

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

log = get_logger(__name__)

PATIENCE_S: Final = 10.0
"""The worker's main process waits for the row to be changed; meanwhile it takes no message."""
_SUCCESSFUL: Final = frozenset({Result.COMPLETED})
_FAILED: Final = "task-failed"


def _name_ends(**_: Any) -> None:
    """Let Flower show `WAITING_FOR_REVIEW`, `PARTIAL_FAILURE` … instead of `SUCCESS`."""
    from worker import request  # workers only

    request.ends.update({str(end): f"task-{end}" for end in Result if end not in _SUCCESSFUL})
    request.ends.update({str(Result.FAILED): _FAILED, REJECTED: _FAILED})
    request.unremarkable.add(str(Result.NOTHING_TO_DO))
    request.timed_out.append(_timed_out)


def _revoked(request: Any, expired: bool, **_: Any) -> None:  # noqa: FBT001 - Celery's signature
    task_id = (getattr(request, "kwargs", None) or {}).get("task_id")
    if not expired and task_id:
        _do(lambda key: cancel_task(key, actor=SYSTEM), task_id, "revoke")


def _timed_out(task_id: str) -> None:
    if task_id:
        _do(time_out_task, task_id, "time limit")


def _do(work: Callable[[UUID], Awaitable[None]], task_id: Any, asked: str) -> None:
    """Do something about a task; the main process must not fail on it."""

    async def do() -> None:
        await work(key_of(task_id))

    told = log.bind(task_id=str(task_id), asked=asked)
    try:
        run_async(do(), timeout_s=PATIENCE_S)
        told.warning("operator_obeyed")
    except AppError as error:
        told.info("operator_ignored", reason=error.message)
    except Exception as error:  # noqa: BLE001 - Celery would drop the rest of what it does here
        told.error("operator_not_obeyed", error=type(error).__name__)


signals.worker_init.connect(_name_ends)
signals.task_revoked.connect(_revoked)
