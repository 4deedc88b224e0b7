"""What operators see of deliveries in Flower, and what its buttons do to the workflow.

Terminate and revoke cancel the task, whatever it is doing: waiting for a worker or for a human as
well as running. A time limit that was passed fails it. Both hold on every pool: the row is changed
first, so the worker's next write is refused and its heartbeat stops it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from celery import signals

from core.actor import LOCAL_USER, SYSTEM
from core.errors import AppError
from core.logging import get_logger
from tasks.roadmap import REJECTED, key_of
from worker import arguments_of, run_async
from workflow.ending import Result
from workflow.service import DEFAULT, accept_delivery, cancel_task, time_out_task

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


def _hear_revokes(**_: Any) -> None:
    """Cancel at once what is revoked; most of it has no delivery that Celery could stop."""
    from celery.worker.control import Panel  # workers only

    celery_revoke = Panel.data["revoke"]

    @functools.wraps(celery_revoke)
    def revoke(state: Any, task_id: Any, *args: Any, **kwargs: Any) -> Any:
        answer = celery_revoke(state, task_id, *args, **kwargs)
        for delivery in [task_id] if isinstance(task_id, str) else task_id or []:
            task = str(delivery).partition(".")[0]
            if _do(_cancel, task, "revoke"):  # without a running delivery nobody else tells Flower
                state.consumer.event_dispatcher.send(f"task-{Result.CANCELLED}", uuid=task)
        return answer

    def terminate(state: Any, signal: Any, task_id: Any, **kwargs: Any) -> Any:
        return revoke(state, task_id, terminate=True, signal=signal, **kwargs)

    Panel.data.update(revoke=revoke, terminate=terminate)


def _revoked(request: Any, expired: bool, **_: Any) -> None:  # noqa: FBT001 - Celery's signature
    """Cancel what was revoked before this worker could hear of it, maybe before it had a row."""
    given = arguments_of(request.task, request.args, request.kwargs)
    if expired or not given.get("task_id"):
        return

    async def cancel(key: UUID) -> None:
        if (asked_for := given.get("request")) is not None:
            await accept_delivery(
                key,
                user_id=given.get("user_id", LOCAL_USER),
                request=asked_for,
                workflow=given.get("workflow", DEFAULT),
                review=given.get("review"),
            )
        await _cancel(key)

    _do(cancel, given["task_id"], "revoke")


async def _cancel(key: UUID) -> None:
    await cancel_task(key, actor=SYSTEM)


def _timed_out(task_id: str) -> None:
    if task_id:
        _do(time_out_task, task_id, "time limit")


def _do(work: Callable[[UUID], Awaitable[None]], task_id: Any, asked: str) -> bool:
    """Do something about a task, and tell whether it worked; the main process must not fail."""

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


signals.worker_init.connect(_name_ends)
signals.worker_init.connect(_hear_revokes)
signals.task_revoked.connect(_revoked)
