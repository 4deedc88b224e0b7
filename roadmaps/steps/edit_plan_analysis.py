"""Plans what an edit must change, from a reviewer's feedback or what the validation found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.states import Step
from roadmaps.inputs import CallKind, PlanInputs
from roadmaps.outline import as_text
from roadmaps.outputs import EditPlan
from roadmaps.prompts import RoadmapPrompt
from workflow import StepResult, counted, input_digest

if TYPE_CHECKING:
    from roadmaps.steps.context import RoadmapContext


async def run(context: RoadmapContext) -> StepResult:
    """Turn feedback into a list of intended changes."""
    source, feedback = feedback_of(context)
    inputs = plan_inputs(context, source, feedback)
    prompt = RoadmapPrompt(CallKind.EDIT_PLAN_ANALYSIS, inputs)
    plan = await context.asking.ask(prompt, EditPlan)
    return StepResult(
        output={"source": source, "feedback": feedback, **plan.model_dump(mode="json")},
        input_digest=input_digest(prompt),
        summary=f"{counted(len(plan.intents), 'change')} planned: {plan.summary}",
    )


def feedback_of(context: RoadmapContext) -> tuple[str, str]:
    """Return who wants a change, `human_review` or `structure_validation`, and what they said."""
    last = context.history[-1]
    if last.step == Step.HUMAN_REVIEW:
        return last.step, str(last.output["feedback"])
    lines = [
        f"- {issue['message']} {issue['suggestion']}"
        for issue in last.output["issues"]
        if issue["severity"] == "error"
    ]
    return last.step, "\n".join(lines)


def plan_inputs(context: RoadmapContext, source: str, feedback: str) -> PlanInputs:
    """Return what an edit plan is made from."""
    _, outline = context.current()
    return PlanInputs(
        learner=context.learner,
        language=context.language,
        outline=as_text(outline),
        feedback=feedback,
        source=source,
    )
