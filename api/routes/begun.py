"""What one is learning at the moment, over all roadmaps. Always one's own."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import CurrentActor
from api.problems import documented
from roadmaps import queries
from roadmaps.queries import LearningList

router = APIRouter(prefix="/learning", tags=["learning"])


@router.get(
    "",
    operation_id="listLearning",
    summary="What one is learning",
    responses=documented(),
)
async def list_learning(
    actor: CurrentActor, limit: Annotated[int, Query(ge=1, le=50)] = 10
) -> LearningList:
    """Return the roadmaps that one has begun and not finished, with where one goes on."""
    return await queries.begun_roadmaps(actor=actor, most=limit)
