"""The steps: one file each, a plain coroutine that sees only its context."""

from collections.abc import Awaitable, Callable

from core.states import Step
from workflow.steps import (
    curriculum_design,
    edit_plan_analysis,
    intent_analysis,
    roadmap_edit,
    structure_validation,
)
from workflow.steps.context import StepContext, StepResult

STRUCTURE_STEPS: dict[Step, Callable[[StepContext], Awaitable[StepResult]]] = {
    Step.INTENT_ANALYSIS: intent_analysis.run,
    Step.CURRICULUM_DESIGN: curriculum_design.run,
    Step.STRUCTURE_VALIDATION: structure_validation.run,
    Step.EDIT_PLAN_ANALYSIS: edit_plan_analysis.run,
    Step.ROADMAP_EDIT: roadmap_edit.run,
}
"""Steps that end in one checkpoint. `content_generation` ends in one row per content instead, and
`human_review` in a decision."""

__all__ = ["STRUCTURE_STEPS", "StepContext", "StepResult"]
