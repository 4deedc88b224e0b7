"""Workflows: which there are, and asking for a task of one."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import CurrentActor
from api.problems import documented
from api.routes.tasks import IdempotencyKey, accepted, printable
from api.shapes import Task, WorkflowList
from core.request_shapes import parse_request
from workflow import service
from workflow.registry import definition_of
from workflow.showing import workflow_views

router = APIRouter(prefix="/workflows", tags=["workflows"])

_EXAMPLES: Final[dict[str, Any]] = {
    "roadmap": {
        "summary": "A roadmap, without a review",
        "value": {"request": {"goal": "Learn Rust"}, "review": False},
    },
}
WorkflowName = Annotated[str, Path(max_length=63, description="As in `GET /workflows`.")]


class WorkflowRequest(BaseModel):
    """A request for a task of a workflow."""

    model_config = ConfigDict(extra="forbid")

    request: dict[str, Any] = Field(description="In the shape of the workflow's `request_schema`.")
    review: bool | None = Field(
        default=None,
        description="False takes every review as approved; by default humans are asked.",
    )


@router.get("", operation_id="listWorkflows", summary="Workflows", responses=documented())
async def list_workflows(actor: CurrentActor) -> WorkflowList:  # noqa: ARG001 - only who is signed in
    """Return the workflows that can be asked for, with the shapes of their requests."""
    return WorkflowList(workflows=workflow_views())


@router.post(
    "/{name}/tasks",
    operation_id="createWorkflowTask",
    summary="Ask for a task of a workflow",
    status_code=202,
    responses=documented(404, 413),
)
async def create_workflow_task(
    name: WorkflowName,
    asked: Annotated[WorkflowRequest, Body(openapi_examples=_EXAMPLES)],
    response: Response,
    actor: CurrentActor,
    idempotency_key: IdempotencyKey = None,
) -> Task:
    """Accept a request; the work is done in the background."""
    printable(idempotency_key)
    definition = definition_of(name)
    wanted = service.with_review(definition, asked.request, asked.review)
    task_id = await service.create_task(
        parse_request(definition.request, wanted),
        user_id=actor.user_id,
        workflow=name,
        idempotency_key=idempotency_key,
        asks_review=asked.review is not False,
    )
    return await accepted(task_id, response, actor)
