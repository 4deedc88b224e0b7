"""The built-in workflow: a learning roadmap, from a goal to the last quiz."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from core.settings import get_settings
from roadmaps.audit import AUDIT
from roadmaps.outline_rows import roadmap_of
from roadmaps.plan import next_step
from roadmaps.requests import ReviewDecision, TaskRequest
from roadmaps.reviewed_edits import edited_version
from roadmaps.steps import (
    curriculum_design,
    edit_plan_analysis,
    intent_analysis,
    roadmap_edit,
    structure_validation,
)
from roadmaps.steps.content_generation import ContentGeneration
from roadmaps.steps.context import context_of
from roadmaps.steps.names import STAGES, TITLES, RoadmapStep
from workflow import Definition, Edited, UnderReview, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.ledger import TaskRow
    from db.models import Review
    from roadmaps.steps.context import RoadmapContext
    from workflow import Answer, Done, PartsStep, StepBody, StepContext, WorkflowShape


class RoadmapWorkflow(Definition):
    """From a goal to a structure, checked, edited and reviewed, and then to its contents."""

    name = "roadmap"
    version = 1
    request = TaskRequest
    stages = STAGES
    takes_edits = True
    steps: Mapping[str, StepBody] = {
        RoadmapStep.INTENT_ANALYSIS: intent_analysis.run,
        RoadmapStep.CURRICULUM_DESIGN: curriculum_design.run,
        RoadmapStep.STRUCTURE_VALIDATION: structure_validation.run,
        RoadmapStep.EDIT_PLAN_ANALYSIS: edit_plan_analysis.run,
        RoadmapStep.ROADMAP_EDIT: roadmap_edit.run,
    }
    audit = AUDIT
    parts: Mapping[str, PartsStep] = {RoadmapStep.CONTENT_GENERATION: ContentGeneration()}

    def title(self, request: TaskRequest) -> str:
        """Return the goal: a roadmap has no other name until it is designed."""
        return request.goal

    def next_step(self, history: Sequence[Done], request: TaskRequest) -> str:
        """Return the step that follows the finished ones."""
        return next_step(
            history,
            wants_review=request.review,
            max_edit_rounds=get_settings().max_edit_rounds,
        )

    async def context(self, base: StepContext) -> RoadmapContext:
        """Return the context with the structure as it is now."""
        return await context_of(base)

    async def under_review(
        self, session: AsyncSession, row: TaskRow, _history: Sequence[Done]
    ) -> UnderReview:
        """Return the roadmap's newest version."""
        roadmap = await roadmap_of(session, row.task_id)
        if roadmap is None:
            raise LookupError("roadmap")
        return UnderReview(
            title=roadmap.title,
            version=roadmap.version,
            roadmap_id=roadmap.roadmap_id,
            of=RoadmapStep.STRUCTURE_VALIDATION,
        )

    async def edited(
        self, session: AsyncSession, row: TaskRow, review: Review, decision: Answer, *, of: str
    ) -> Edited | None:
        """Return the version that the reviewer's own edits make."""
        del of
        return await edited_version(session, row, review, cast("ReviewDecision", decision))

    def describe(self) -> WorkflowShape:
        """Return what a roadmap's way is; the structure is reviewed after its last check."""
        plain = super().describe()
        steps = (
            replace(
                step,
                title=TITLES[RoadmapStep(step.name)],
                reviewed=step.name == RoadmapStep.STRUCTURE_VALIDATION,
            )
            for step in plain.steps
        )
        return replace(
            plain, title="Learning roadmap", description=self.__doc__, steps=tuple(steps)
        )

    def finished(self, parts: int) -> str:
        """Return the sentence that everything was written."""
        return f"The roadmap is complete: {counted(parts, 'content')} written"


ROADMAP: Final = RoadmapWorkflow()
