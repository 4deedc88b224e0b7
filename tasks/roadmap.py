"""`roadmap.*`: a delivery says "look at this task"; the row says what is to be done.

Messages gain fields from release to release; those that this one does not know are ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.actor import LOCAL_USER
from core.errors import InvalidRequestError, ServiceUnavailableError
from db.facts import Reason
from tasks.refusing import refuse
from worker import Delivery, async_task
from workflow import turns
from workflow.deliveries import is_there
from workflow.ending import Result
from workflow.registry import can_be_asked_for, definitions
from workflow.runs import run_task
from workflow.service import DEFAULT, accept_delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

REJECTED = "rejected"
"""What a delivery returns that asks for nothing valid; its task, if it has one, is a failed one."""

_NO_SUCH_TASK = "there is no task of its task_id"


def key_of(task_id: Any) -> UUID:
    """Return the task's key.

    Raises:
        InvalidRequestError: It is no UUID.
    """
    try:
        return UUID(str(task_id))
    except ValueError:
        raise InvalidRequestError(f"task_id must be a UUID, not {str(task_id)[:80]!r}.") from None


def _names_a_task(arguments: Mapping[str, Any]) -> None:
    try:
        key_of(arguments["task_id"])
    except InvalidRequestError:
        raise InvalidRequestError("its task_id is no UUID") from None


def _names_a_workflow(arguments: Mapping[str, Any]) -> None:
    _names_a_task(arguments)
    name = arguments.get("workflow", DEFAULT)
    # a ring has no request: its row says which workflow it is, and waits for a worker that knows it
    if arguments.get("request") is not None and not can_be_asked_for(name):
        known = ", ".join(sorted(each.name for each in definitions()))
        raise InvalidRequestError(
            f"its workflow {str(name)[:80]!r} is none of this worker's, which are {known};"
            " see ROADMAP_WORKFLOWS"
        )


# another program's message may be all there is of its task: it must wait for PostgreSQL to be back
@async_task(
    Reason.GENERATE,
    check=_names_a_task,
    waits_in_row=True,
    autoretry_for=(ServiceUnavailableError,),
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=30,
)
async def generate(
    delivery: Delivery, task_id: str, user_id: Any = LOCAL_USER, request: Any = None, **_later: Any
) -> str:
    """Run a new task; another program may send this without our code, row or no row."""
    return await run_asked(delivery, task_id, user_id=user_id, request=request)


async def run_asked(delivery: Delivery, task_id: str, **asked: Any) -> str:
    """Run a task that is asked for, by the message or by its row.

    Another program's message that brings no request, about a task that is not there, is set aside:
    nobody would hear of it otherwise.
    """
    key = key_of(task_id)
    if asked["request"] is not None and not await accept_delivery(
        key,
        **asked,
        starts_at=delivery.starts_at,
        expires_at=delivery.expires_at,
    ):
        return REJECTED
    return await _look_at(key, delivery, asked, missing="it brings no request for a new task")


async def _look_at(key: UUID, delivery: Delivery, asked: Mapping[str, Any], *, missing: str) -> str:
    """Do what a task's row says; `missing` is wrong with another program's message without one."""
    result = await run_task(key, worker=delivery.worker)
    if result is Result.NOTHING_TO_DO and not delivery.ours and not await is_there(key):
        await refuse(delivery, {"task_id": str(key), **asked}, missing)
        return REJECTED
    if result is Result.DEFERRED and delivery.starts_at is not None:
        turns.call_at(delivery.starts_at)
    return result


@async_task(
    Reason.RUN,
    check=_names_a_workflow,
    waits_in_row=True,
    autoretry_for=(ServiceUnavailableError,),
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=30,
)
async def run(
    delivery: Delivery,
    task_id: str,
    workflow: str = DEFAULT,
    user_id: Any = LOCAL_USER,
    request: Any = None,
    review: Any = None,
    **_later: Any,
) -> str:
    """Run a new task of any workflow; another program may send this without our code."""
    return await run_asked(
        delivery, task_id, user_id=user_id, request=request, workflow=workflow, review=review
    )


@async_task(Reason.RESUME, check=_names_a_task, waits_in_row=True)
async def resume(delivery: Delivery, task_id: str, **later: Any) -> str:
    """Go on with a task that was decided, released or recovered."""
    return await _look_at(key_of(task_id), delivery, later, missing=_NO_SUCH_TASK)


@async_task(Reason.RETRY, check=_names_a_task, waits_in_row=True)
async def retry(delivery: Delivery, task_id: str, **later: Any) -> str:
    """Do again what failed; the row tells what that is."""
    return await _look_at(key_of(task_id), delivery, later, missing=_NO_SUCH_TASK)
