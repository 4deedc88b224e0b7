"""What operators see of deliveries in Flower, and what its buttons do to the workflow.

Terminate and revoke cancel the task, whatever it is doing, and a time limit that was passed fails
it, whatever the pool: the row is changed first, so the worker's next write is refused and its
heartbeat stops it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from celery import signals
from celery.utils.functional import maybe_list

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


def _set_up(**_: Any) -> None:
    _name_ends()
    _obey_revoke()


def _name_ends() -> None:
    """Let Flower show `WAITING_FOR_REVIEW`, `PARTIAL_FAILURE` … instead of `SUCCESS`."""
    from worker import request  # workers only

    request.ends.update({str(end): f"task-{end}" for end in Result if end not in _SUCCESSFUL})
    request.ends.update({str(Result.FAILED): _FAILED, REJECTED: _FAILED})
    request.unremarkable.add(str(Result.NOTHING_TO_DO))
    request.timed_out.append(_timed_out)


def _obey_revoke() -> None:
    """Let a revoke cancel the task whatever it is doing: queued, running, waiting for review.

    Celery's own only remembers the id, and terminates what this very worker runs under it; a task
    that waits is no message and runs nowhere.
    """
    from celery.worker import control  # workers only

    def revoke(state: Any, task_id: Any, *args: Any, **kwargs: Any) -> Any:
        for delivery in maybe_list(task_id):
            task, _dot, _suffix = str(delivery).partition(".")
            if _cancel(task):
                # no delivery is running that would tell it
                state.consumer.event_dispatcher.send(f"task-{Result.CANCELLED}", uuid=task)
        return control.revoke(state, task_id, *args, **kwargs)

    def terminate(state: Any, signal: Any, task_id: Any, **_: Any) -> Any:
        return revoke(state, task_id, terminate=True, signal=signal)

    control.Panel.data.update(revoke=revoke, terminate=terminate)


def _revoked(request: Any, expired: bool, **_: Any) -> None:  # noqa: FBT001 - Celery's signature
    task_id = (getattr(request, "kwargs", None) or {}).get("task_id")
    if not expired and task_id:
        _cancel(task_id)


def _cancel(task_id: Any) -> bool:
    return _do(lambda key: cancel_task(key, actor=SYSTEM), task_id, "revoke")


def _timed_out(task_id: str) -> None:
    if task_id:
        _do(time_out_task, task_id, "time limit")


def _do(work: Callable[[UUID], Awaitable[None]], task_id: Any, asked: str) -> bool:
    """Do something about a task, and tell whether it was done; the main process must not fail."""

    async def do() -> None:
        await work(key_of(task_id))

    told = log.bind(task_id=str(task_id), asked=asked)
    try:
        run_async(do(), timeout_s=PATIENCE_S)
    except AppError as error:
        told.info("operator_ignored", reason=error.message)
    except Exception as error:  # noqa: BLE001 - Celery would drop the rest of what it does here
        told.error("operator_not_obeyed", error=type(error).__name__)
    else:
        told.warning("operator_obeyed")
        return True
    return False


signals.worker_init.connect(_set_up)
signals.task_revoked.connect(_revoked)
