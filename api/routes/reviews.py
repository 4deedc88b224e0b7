"""Reviews: the question and the answer."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Header, Query, Request, Response

from api.auth import CurrentActor
from api.decisions import ReviewDecision
from api.http import TaskId, tagged, versions_of
from api.problems import documented
from api.routes.tasks import accepted
from api.shapes import Review, Task
from roadmaps import queries
from workflow import service
from workflow.open_reviews import open_review

router = APIRouter(tags=["reviews"])

_SOME_ID: Final = "01990000-0000-7000-8000-000000000001"
_EXAMPLES: Final[dict[str, Any]] = {
    "approve": {"summary": "Go on", "value": {"decision": "approve"}},
    "reject": {
        "summary": "Change it, then ask again",
        "value": {"decision": "reject", "feedback": "More practice, less theory."},
    },
    "edit": {
        "summary": "Change it like this, then go on",
        "value": {
            "decision": "edit",
            "edits": [
                {"op": "rename", "concept_id": _SOME_ID, "title": "Ownership and borrowing"},
                {"op": "update", "concept_id": _SOME_ID, "estimated_hours": 3},
                {"op": "remove", "concept_id": _SOME_ID},
            ],
        },
    },
    "edit a value": {
        "summary": "Of any workflow but `roadmap`: put this in its place, then go on",
        "value": {"decision": "edit", "value": {"chapters": [{"title": "Wind"}]}},
    },
    "edit, then look again": {
        "summary": "Change it like this, then ask again",
        "value": {
            "decision": "edit",
            "edits": [{"op": "move", "concept_id": _SOME_ID, "position": 0}],
            "then": "review",
        },
    },
}


@router.get(
    "/tasks/{task_id}/review",
    operation_id="getReview",
    summary="The open review",
    response_model=Review,
    responses={304: {"description": "Unchanged since the `ETag`."}, **documented(404)},
)
async def get_review(
    task_id: TaskId,
    request: Request,
    actor: CurrentActor,
    since: Annotated[
        int | None, Query(ge=1, le=1000, description="The round to compare with.")
    ] = None,
) -> Response:
    """Return what is in question; its `ETag` is the version, for `If-Match`."""
    found = await open_review(task_id, actor=actor, since=since)
    more = None
    if found.workflow == service.DEFAULT:
        more = await queries.open_review(task_id, actor=actor, since=since)
    review = Review.of_view(found, more)
    return tagged(request, review, tag=str(review.version))


@router.post(
    "/tasks/{task_id}/review",
    operation_id="decideReview",
    summary="Decide the review",
    status_code=202,
    responses=documented(404, 409, 412, 413),
)
async def decide_review(
    task_id: TaskId,
    decision: Annotated[ReviewDecision, Body(openapi_examples=_EXAMPLES)],
    response: Response,
    actor: CurrentActor,
    if_match: Annotated[
        str | None, Header(description="The `ETag` of the review that was read; optional.")
    ] = None,
) -> Task:
    """Approve, reject with feedback, or edit; an edit also approves, unless `then` is `review`."""
    answer = decision.answer()
    await service.decide_review(task_id, answer, actor=actor, versions=versions_of(if_match))
    return await accepted(task_id, response, actor)
