"""Carries out an edit plan; what the plan does not touch keeps its ids, and so its contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadmaps.edits import apply_operations
from roadmaps.inputs import CallKind, EditInputs
from roadmaps.outline import StructureInvalidError
from roadmaps.outline_rows import next_version
from roadmaps.outputs import EditScript
from roadmaps.prompts import RoadmapPrompt
from roadmaps.steps.context import Structure
from roadmaps.steps.curriculum_design import contents_of, roadmap_ready
from roadmaps.steps.edit_plan_analysis import plan_inputs
from roadmaps.steps.names import RoadmapStep
from workflow import StepResult, counted, input_digest

if TYPE_CHECKING:
    from roadmaps.steps.context import RoadmapContext


async def run(context: RoadmapContext) -> StepResult:
    """Ask for operations, apply those that fit, store the next version.

    Raises:
        StructureInvalidError: The operations leave no concept.
    """
    roadmap_id, outline = context.current()
    plan = context.output_of(RoadmapStep.EDIT_PLAN_ANALYSIS)
    base = plan_inputs(context, plan["source"], plan["feedback"])
    inputs = EditInputs(
        **base.model_dump(exclude={"learner"}),
        learner=base.learner,
        plan="\n".join(
            f"- {intent['action']} {intent['target']}: {intent['instruction']}"
            for intent in plan["intents"]
        ),
    )
    prompt = RoadmapPrompt(CallKind.ROADMAP_EDIT, inputs)
    script = await context.asking.ask(prompt, EditScript)
    edited, skipped = apply_operations(outline, script.operations)
    if not any(True for _ in edited.concepts()):
        raise StructureInvalidError
    version = context.version + 1
    context.keep(Structure(roadmap_id, version, edited))
    applied = len(script.operations) - len(skipped)
    return StepResult(
        output={"version": version, "summary": script.summary, "skipped": skipped},
        input_digest=input_digest(prompt),
        summary=f"{counted(applied, 'change')} made: {script.summary}",
        rows=next_version(outline, edited, roadmap_id=roadmap_id, version=version, origin="edit"),
        events=(roadmap_ready(roadmap_id, version, edited),),
        changes={"title": edited.title},
        total=contents_of(edited),
    )
