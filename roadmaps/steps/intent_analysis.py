"""First step: finds out what the learner wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadmaps.inputs import CallKind, IntentInputs
from roadmaps.outputs import IntentAnalysis
from roadmaps.prompts import RoadmapPrompt
from workflow import StepResult, input_digest

if TYPE_CHECKING:
    from roadmaps.steps.context import RoadmapContext


async def run(context: RoadmapContext) -> StepResult:
    """Turn the goal into a topic, a language, focus areas and gaps."""
    prompt = RoadmapPrompt(CallKind.INTENT_ANALYSIS, IntentInputs(learner=context.learner))
    intent = await context.asking.ask(prompt, IntentAnalysis)
    return StepResult(
        output=intent.model_dump(mode="json"),
        input_digest=input_digest(prompt),
        summary=f"The goal is understood: {intent.topic}",
    )
