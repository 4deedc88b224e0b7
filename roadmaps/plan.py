"""Which step of a roadmap comes next: a pure function of what was checkpointed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.states import Decision, Step
from roadmaps.steps.names import RoadmapStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflow import Done

_ALWAYS_NEXT: Final[dict[str, str]] = {
    RoadmapStep.INTENT_ANALYSIS: RoadmapStep.CURRICULUM_DESIGN,
    RoadmapStep.CURRICULUM_DESIGN: RoadmapStep.STRUCTURE_VALIDATION,
    RoadmapStep.EDIT_PLAN_ANALYSIS: RoadmapStep.ROADMAP_EDIT,
    RoadmapStep.ROADMAP_EDIT: RoadmapStep.STRUCTURE_VALIDATION,
    Step.HUMAN_REVIEW: RoadmapStep.CONTENT_GENERATION,
    RoadmapStep.CONTENT_GENERATION: Step.COMPLETED,
}


def next_step(history: Sequence[Done], *, wants_review: bool, max_edit_rounds: int) -> str:
    """Return the step that follows the last checkpoint.

    Args:
        history: The checkpoints in order.
        wants_review: A human is asked before contents are generated.
        max_edit_rounds: Automatic edits in a row before an invalid structure goes on as it is, to
            the human if there is one.
    """
    if not history:
        return RoadmapStep.INTENT_ANALYSIS
    last = history[-1]
    if last.step == RoadmapStep.STRUCTURE_VALIDATION:
        if not last.output["valid"] and automatic_edits(history) < max_edit_rounds:
            return RoadmapStep.EDIT_PLAN_ANALYSIS
        return Step.HUMAN_REVIEW if wants_review else RoadmapStep.CONTENT_GENERATION
    if last.step == Step.HUMAN_REVIEW and last.output["decision"] == Decision.REJECT:
        return RoadmapStep.EDIT_PLAN_ANALYSIS
    return _ALWAYS_NEXT[last.step]


def automatic_edits(history: Sequence[Done]) -> int:
    """Return how many edits the checks asked for since the design, or since the last review."""
    edits = 0
    for done in reversed(history):
        if done.step in {RoadmapStep.CURRICULUM_DESIGN, Step.HUMAN_REVIEW}:
            break
        if (
            done.step == RoadmapStep.EDIT_PLAN_ANALYSIS
            and done.output["source"] == "structure_validation"
        ):
            edits += 1
    return edits
