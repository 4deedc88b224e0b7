"""The names of a roadmap's steps, in order, and how far each of them is."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from core.stages import Stages


class RoadmapStep(StrEnum):
    """What a worker does on a roadmap."""

    INTENT_ANALYSIS = "intent_analysis"
    CURRICULUM_DESIGN = "curriculum_design"
    STRUCTURE_VALIDATION = "structure_validation"
    EDIT_PLAN_ANALYSIS = "edit_plan_analysis"
    ROADMAP_EDIT = "roadmap_edit"
    CONTENT_GENERATION = "content_generation"


TITLES: Final = {
    RoadmapStep.INTENT_ANALYSIS: "Understand the goal",
    RoadmapStep.CURRICULUM_DESIGN: "Design the roadmap",
    RoadmapStep.STRUCTURE_VALIDATION: "Check the structure",
    RoadmapStep.EDIT_PLAN_ANALYSIS: "Plan the changes",
    RoadmapStep.ROADMAP_EDIT: "Change the roadmap",
    RoadmapStep.CONTENT_GENERATION: "Write the contents",
}
"""What people call them."""

STAGES: Final = Stages(
    workflow="roadmap",
    begins_at={
        RoadmapStep.INTENT_ANALYSIS: 1.0,
        RoadmapStep.CURRICULUM_DESIGN: 3.0,
        RoadmapStep.STRUCTURE_VALIDATION: 6.0,
        RoadmapStep.EDIT_PLAN_ANALYSIS: 7.0,
        RoadmapStep.ROADMAP_EDIT: 8.0,
        RoadmapStep.CONTENT_GENERATION: 10.0,
    },
    ends_at={RoadmapStep.CONTENT_GENERATION: 100.0},
    review_at=9.0,
)
