"""Second step: designs the structure of the roadmap and stores it as version 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.ids import new_id
from core.settings import get_settings
from notifications.events import EventType, RoadmapData
from roadmaps.inputs import CallKind, DesignInputs
from roadmaps.kinds import KINDS
from roadmaps.outline import StructureInvalidError, cut_off, from_draft, size_of
from roadmaps.outline_rows import first_version
from roadmaps.outputs import CurriculumDraft
from roadmaps.prompts import RoadmapPrompt
from roadmaps.steps.context import Structure
from roadmaps.steps.names import RoadmapStep
from workflow import StepResult, draft, input_digest

if TYPE_CHECKING:
    from uuid import UUID

    from db.facts import EventDraft
    from roadmaps.outline import Outline
    from roadmaps.steps.context import RoadmapContext


async def run(context: RoadmapContext) -> StepResult:
    """Design stages, modules and concepts, and store them as version 1.

    Raises:
        StructureInvalidError: The design has no concept.
    """
    intent = context.output_of(RoadmapStep.INTENT_ANALYSIS)
    inputs = DesignInputs(
        learner=context.learner,
        topic=intent["topic"],
        summary=intent["summary"],
        language=context.language,
        focus_areas=tuple(intent["focus_areas"]),
        skill_gaps=tuple(intent["skill_gaps"]),
        # checkpoints of an earlier release lack these
        skills=tuple(intent.get("skills", ())),
        constraints=tuple(intent.get("constraints", ())),
    )
    prompt = RoadmapPrompt(CallKind.CURRICULUM_DESIGN, inputs)
    design = await context.asking.ask(prompt, CurriculumDraft)
    outline = from_draft(cut_off(design, most=get_settings().max_concepts))
    if not any(True for _ in outline.concepts()):
        raise StructureInvalidError
    roadmap_id = new_id()
    context.keep(Structure(roadmap_id, 1, outline))
    return StepResult(
        output={"roadmap_id": str(roadmap_id), "version": 1},
        input_digest=input_digest(prompt),
        summary=f"'{outline.title}' is designed: {size_of(outline)}",
        rows=first_version(
            outline,
            roadmap_id=roadmap_id,
            task_id=context.task_id,
            user_id=context.user_id,
            language=context.language,
        ),
        events=(roadmap_ready(roadmap_id, 1, outline),),
        changes={"roadmap_id": roadmap_id, "title": outline.title},
        total=contents_of(outline),
    )


def contents_of(outline: Outline) -> int:
    """Return how many contents a structure will have."""
    return len(KINDS) * sum(1 for _ in outline.concepts())


def roadmap_ready(roadmap_id: UUID, version: int, outline: Outline) -> EventDraft:
    """Return the event that a version of the structure can be read."""
    return draft(
        EventType.ROADMAP_READY,
        f"The outline of '{outline.title}' is ready (version {version})",
        RoadmapData(
            roadmap_id=roadmap_id,
            version=version,
            title=outline.title,
            concepts=sum(1 for _ in outline.concepts()),
        ),
    )
