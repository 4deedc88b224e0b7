"""Contents that are written anew at somebody's wish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.session import read_session
from roadmaps.queries.roadmaps import visible_concept, visible_roadmap
from roadmaps.steps.names import RoadmapStep
from workflow import remake

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from core.actor import Actor


async def regenerate(
    roadmap_id: UUID, concept_id: UUID, kinds: Sequence[str], *, actor: Actor
) -> UUID:
    """Write contents of one concept anew, as new versions; the old ones stay readable meanwhile.

    Returns:
        The task that does it.

    Raises:
        NotFoundError: No such roadmap or concept for this actor.
        ConflictError: The task is still running.
    """
    async with read_session() as session:
        task_id = (await visible_roadmap(session, roadmap_id, actor)).task_id
        await visible_concept(session, roadmap_id, concept_id, actor)
    await remake(task_id, RoadmapStep.CONTENT_GENERATION, str(concept_id), kinds, actor=actor)
    return task_id
