"""Roadmaps: the tree, a concept with its contents, and writing contents anew."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Request, Response

from api.auth import CurrentActor
from api.http import ConceptId, RoadmapId, tagged
from api.problems import documented
from api.routes.tasks import accepted
from api.shapes import Task
from core.request_shapes import Stored
from roadmaps import queries
from roadmaps.queries import Concept, FoundTexts, RoadmapView
from roadmaps.regeneration import regenerate as regenerate_contents
from roadmaps.requests import RegenerateRequest

router = APIRouter(prefix="/roadmaps", tags=["roadmaps"])

_EXAMPLES: Final[dict[str, Any]] = {
    "quiz": {"summary": "Another quiz", "value": {"kinds": ["quiz"]}},
}
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Unchanged since the `ETag`."}
}


@router.get(
    "/{roadmap_id}",
    operation_id="getRoadmap",
    summary="A roadmap's tree",
    response_model=RoadmapView,
    responses={**_UNCHANGED, **documented(404)},
)
async def get_roadmap(roadmap_id: RoadmapId, request: Request, actor: CurrentActor) -> Response:
    """Return stages, modules and concepts with the state of each content."""
    return tagged(request, await queries.get_roadmap(roadmap_id, actor=actor))


@router.get(
    "/{roadmap_id}/search",
    operation_id="searchRoadmap",
    summary="Find words in a roadmap's texts",
    responses=documented(404),
)
async def search(
    roadmap_id: RoadmapId,
    actor: CurrentActor,
    q: Annotated[Stored, Query(min_length=1, max_length=200, description="What to look for.")],
) -> FoundTexts:
    """Return the tutorials that have these words, with what stands around them."""
    return await queries.find_texts(roadmap_id, q.strip(), actor=actor)


@router.get(
    "/{roadmap_id}/concepts/{concept_id}",
    operation_id="getConcept",
    summary="A concept with its contents",
    response_model=Concept,
    responses={**_UNCHANGED, **documented(404)},
)
async def get_concept(
    roadmap_id: RoadmapId, concept_id: ConceptId, request: Request, actor: CurrentActor
) -> Response:
    """Return the newest completed version of each content; null where there is none yet."""
    return tagged(request, await queries.get_concept(roadmap_id, concept_id, actor=actor))


@router.post(
    "/{roadmap_id}/concepts/{concept_id}/regenerate",
    operation_id="regenerateContents",
    summary="Write contents anew",
    status_code=202,
    responses=documented(404, 409),
)
async def regenerate(
    roadmap_id: RoadmapId,
    concept_id: ConceptId,
    request: Annotated[RegenerateRequest, Body(openapi_examples=_EXAMPLES)],
    response: Response,
    actor: CurrentActor,
) -> Task:
    """Make a new version of some contents; the old ones stay readable until it is there."""
    task_id = await regenerate_contents(roadmap_id, concept_id, request.kinds, actor=actor)
    return await accepted(task_id, response, actor)
