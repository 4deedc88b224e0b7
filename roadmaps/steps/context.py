"""What the steps of a roadmap see: the task, and the structure as it is now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from db.session import retrying_read
from roadmaps.inputs import Learner
from roadmaps.outline import Outline
from roadmaps.outline_rows import roadmap_of, stored_outline
from roadmaps.steps.names import RoadmapStep
from workflow import StepContext, last_output, reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from roadmaps.requests import TaskRequest

_KEPT: Final = "structure"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoadmapContext(StepContext):
    """All that a step of a roadmap may look at."""

    request: TaskRequest
    roadmap_id: UUID | None = None
    version: int = 0
    outline: Outline | None = None

    @property
    def learner(self) -> Learner:
        """The request, as far as prompts need it."""
        return Learner(goal=self.request.goal, **_preferences(self.request))

    @property
    def language(self) -> str:
        """The language to write in: the learner's wish, else what the goal is written in."""
        wish = self.request.preferences.language
        return wish or str(self.output_of(RoadmapStep.INTENT_ANALYSIS)["language"])

    def output_of(self, step: str) -> Mapping[str, Any]:
        """Return what a step gave the last time it ran.

        Raises:
            LookupError: It never ran.
        """
        output = last_output(self.history, step)
        if output is None:
            raise LookupError(step)
        return output

    def keep(self, structure: Structure) -> None:
        """Leave a version that this step stores to the steps that follow it."""
        self.kept[_KEPT] = structure

    def current(self) -> tuple[UUID, Outline]:
        """Return the roadmap's id and its current structure.

        Raises:
            LookupError: Nothing was designed yet.
        """
        if self.roadmap_id is None or self.outline is None:
            raise LookupError("roadmap")
        return self.roadmap_id, self.outline


class Structure(NamedTuple):
    """A roadmap's version."""

    roadmap_id: UUID
    version: int
    outline: Outline


async def context_of(base: StepContext) -> RoadmapContext:
    """Return the context with the structure as it is stored now."""
    if last_output(base.history, RoadmapStep.CURRICULUM_DESIGN) is None:
        structure = None  # it comes with that step
    else:
        structure = base.kept.get(_KEPT) or await retrying_read(
            partial(_stored, task_id=base.task_id)
        )
        base.kept[_KEPT] = structure
    known = {} if structure is None else structure._asdict()
    return RoadmapContext(
        task_id=base.task_id,
        user_id=base.user_id,
        request=base.request,
        history=base.history,
        asking=base.asking,
        kept=base.kept,
        **known,
    )


async def _stored(session: AsyncSession, task_id: UUID) -> Structure | None:
    roadmap = await roadmap_of(session, task_id)
    if roadmap is None:
        return None
    stored = await stored_outline(session, roadmap.roadmap_id, roadmap.version)
    with reading("the outline"):
        outline = Outline.model_validate(stored)
    return Structure(roadmap.roadmap_id, roadmap.version, outline)


def _preferences(request: TaskRequest) -> dict[str, Any]:
    wishes = request.preferences.model_dump()
    wishes["content_formats"] = tuple(wishes["content_formats"])
    return wishes
