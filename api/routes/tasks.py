"""Tasks: ask for one, read it, retry it, cancel it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Header, Query, Request, Response
from pydantic import Field

from api.auth import CurrentActor
from api.http import TaskId, decode_cursor, encode_cursor, next_link, tagged
from api.problems import documented
from api.shapes import Task, TaskList
from core.errors import InvalidRequestError
from core.request_shapes import Stored
from core.states import TERMINAL, Status
from roadmaps.requests import TaskRequest
from watching import queries
from workflow import service

router = APIRouter(tags=["tasks"])

POLL_S: Final = "1"
"""A good time between two looks at a task, for those who do not stream."""

_EXAMPLES: Final[dict[str, Any]] = {
    "short": {"summary": "Only a goal", "value": {"goal": "Learn Rust"}},
    "full": {
        "summary": "With preferences, and without a review",
        "value": {
            "goal": "Learn enough Rust to write a command line tool",
            "preferences": {
                "level": "intermediate",
                "hours_per_week": 6,
                "language": "en",
                "background": "Ten years of Python",
                "content_formats": ["text", "exercises"],
            },
            "review": False,
        },
    },
}
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="The same key with the same body gives the same task again.",
    ),
]


@router.post(
    "/tasks",
    operation_id="createTask",
    summary="Ask for a roadmap",
    status_code=202,
    responses=documented(413),
)
async def create_task(
    request: Annotated[TaskRequest, Body(openapi_examples=_EXAMPLES)],
    response: Response,
    actor: CurrentActor,
    idempotency_key: IdempotencyKey = None,
) -> Task:
    """Accept a request; the work is done in the background."""
    printable(idempotency_key)
    task_id = await service.create_task(
        request, user_id=actor.user_id, idempotency_key=idempotency_key
    )
    return await accepted(task_id, response, actor)


@router.get(
    "/tasks",
    operation_id="listTasks",
    summary="Tasks, newest first",
    responses=documented(),
)
async def list_tasks(  # noqa: PLR0913, PLR0917 - FastAPI names them
    request: Request,
    response: Response,
    actor: CurrentActor,
    status: Annotated[
        list[Status] | None,
        Query(max_length=20, description="Only these; may be repeated."),
        Field(fail_fast=True),
    ] = None,
    part: Annotated[
        str | None,
        Query(
            alias="id",
            pattern="^[0-9a-fA-F-]{8,36}$",
            description="Only those whose id, or whose roadmap's, begins or ends with this.",
        ),
    ] = None,
    workflow: Annotated[
        Stored | None, Query(max_length=63, description="Only those of this workflow.")
    ] = None,
    q: Annotated[
        Stored | None,
        Query(max_length=200, description="Only those with this in their goal or title."),
    ] = None,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> TaskList:
    """Return a page of one's own tasks; an admin sees everybody's."""
    views, last = await queries.list_tasks(
        actor=actor,
        statuses=status or (),
        workflow=workflow,
        words=(q or "").strip(),
        part=part,
        before=decode_cursor(cursor),
        limit=limit,
    )
    following = encode_cursor(last)
    response.headers.update(next_link(request, following))
    return TaskList(tasks=[Task.of(view) for view in views], next_cursor=following)


@router.get(
    "/tasks/{task_id}",
    operation_id="getTask",
    summary="One task",
    response_model=Task,
    responses={304: {"description": "Unchanged since the `ETag`."}, **documented(404)},
)
async def get_task(task_id: TaskId, request: Request, actor: CurrentActor) -> Response:
    """Return a task with its progress, its error and what failed in it."""
    task = Task.of(await queries.get_task(task_id, actor=actor))
    response = tagged(request, task, passing=frozenset({"time_left_s"}))
    if task.status not in TERMINAL:
        response.headers["Retry-After"] = POLL_S
    return response


@router.get(
    "/tasks/{task_id}/usage",
    operation_id="getTaskUsage",
    summary="What a task cost, step by step",
    responses=documented(404),
)
async def get_usage(task_id: TaskId, actor: CurrentActor) -> queries.TaskUsageView:
    """Return calls, tokens and dollars, in all and by step."""
    return await queries.get_usage(task_id, actor=actor)


@router.post(
    "/tasks/{task_id}/retry",
    operation_id="retryTask",
    summary="Do what failed again",
    status_code=202,
    responses=documented(404, 409),
)
async def retry_task(task_id: TaskId, response: Response, actor: CurrentActor) -> Task:
    """Go on where the task stopped; what is completed stays as it is."""
    await service.retry_task(task_id, actor=actor)
    return await accepted(task_id, response, actor)


@router.post(
    "/tasks/{task_id}/cancel",
    operation_id="cancelTask",
    summary="Stop a task",
    status_code=202,
    responses=documented(404, 409),
)
async def cancel_task(task_id: TaskId, response: Response, actor: CurrentActor) -> Task:
    """Stop it in whatever non-terminal status it is."""
    await service.cancel_task(task_id, actor=actor)
    return await accepted(task_id, response, actor)


def printable(idempotency_key: str | None) -> None:
    """Check a key.

    Raises:
        InvalidRequestError: It has characters that nobody sees.
    """
    if idempotency_key is not None and not idempotency_key.isprintable():
        raise InvalidRequestError.at("header", "Idempotency-Key", "must be printable text")


async def accepted(task_id: TaskId, response: Response, actor: CurrentActor) -> Task:
    """Return the task as it is now, with the headers of a 202."""
    task = Task.of(await queries.get_task_among(task_id, actor=actor))
    response.headers["Location"] = task.links.self_
    response.headers["Retry-After"] = POLL_S
    return task
