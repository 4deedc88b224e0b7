"""Third step: checks whether a learner can follow the structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadmaps.checks import check_structure
from roadmaps.inputs import CallKind, OutlineInputs
from roadmaps.outline import as_text
from roadmaps.outputs import StructureOpinion
from roadmaps.prompts import RoadmapPrompt
from workflow import StepResult, counted, input_digest

if TYPE_CHECKING:
    from roadmaps.steps.context import RoadmapContext


async def run(context: RoadmapContext) -> StepResult:
    """Check the structure by rules, and only if they find nothing, ask the model's opinion.

    An invalid structure is an outcome, not a failure: the plan decides what follows.
    """
    _, outline = context.current()
    inputs = OutlineInputs(
        learner=context.learner, language=context.language, outline=as_text(outline)
    )
    prompt = RoadmapPrompt(CallKind.STRUCTURE_VALIDATION, inputs)
    issues = check_structure(outline, hours_per_week=context.request.preferences.hours_per_week)
    if not issues:
        opinion = await context.asking.ask(prompt, StructureOpinion)
        issues = opinion.issues
    errors = sum(issue.severity == "error" for issue in issues)
    return StepResult(
        output={
            "valid": errors == 0,
            "version": context.version,
            "issues": [issue.model_dump(mode="json") for issue in issues],
        },
        input_digest=input_digest(prompt),
        summary="The structure is sound"
        if not errors
        else f"The structure has {counted(errors, 'error')} to mend",
        issues=tuple(issue.message for issue in issues),
    )
