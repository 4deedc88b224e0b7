"""The definition that the engine runs, made of what an author has declared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.digest import digest
from core.errors import InvalidRequestError
from core.states import Decision, Step
from workflow.authoring.checks import steps
from workflow.authoring.declared import DeclaredReview
from workflow.authoring.making import AuthoredParts
from workflow.authoring.order import kept
from workflow.authoring.planning import END, planned
from workflow.authoring.requests import RequestCodec
from workflow.authoring.results import Results, rejection
from workflow.authoring.reviewing import PartsUnderReview
from workflow.authoring.shares import stages_of
from workflow.authoring.upgrading import upgraded
from workflow.checkpoints import finished_steps
from workflow.context import Context
from workflow.definition import Definition
from workflow.history import last_output, round_of
from workflow.shape import StepShape, WorkflowShape, in_words
from workflow.step import StepResult
from workflow.threads import call
from workflow.under_review import Edited, Terms, UnderReview

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pydantic import BaseModel
    from sqlalchemy.ext.asyncio import AsyncSession

    from db.ledger import TaskRow
    from db.models import Review
    from workflow.authoring.declared import DeclaredStep
    from workflow.authoring.workflow import Workflow
    from workflow.history import Done
    from workflow.step import StepBody, StepContext, StepOptions
    from workflow.under_review import Answer


class Compiled(Definition):
    """An author's workflow, as the engine sees it."""

    def __init__(self, workflow: Workflow[Any]) -> None:
        """Take what was declared."""
        self._workflow = workflow
        self.name = workflow.name
        self.version = workflow.version
        self.upgrades = dict(workflow.upgrades)
        self.known_versions = frozenset({workflow.version, *self.upgrades})
        self.plan = workflow.own_plan
        self.request = workflow.request
        self._requests = RequestCodec(workflow.request, workflow.name)
        self.budget_tokens = workflow.budget_tokens
        self.declared = steps(workflow)
        self.reviews = {
            each.of: each for each in workflow.declared if isinstance(each, DeclaredReview)
        }
        self.way = tuple(
            each if isinstance(each, DeclaredReview) else each.name for each in workflow.declared
        )
        self.stages = stages_of(self.name, list(self.declared.values()), list(self.reviews))
        self.options = {name: self._options_of(step) for name, step in self.declared.items()}
        self.makers = {
            step.name: AuthoredParts(self, step)
            for step in self.declared.values()
            if step.listing is not None
        }
        self.parts = dict(self.makers)
        self.steps: dict[str, StepBody] = {
            step.name: self._body(step) for step in self.declared.values() if step.listing is None
        }

    def title(self, request: Any) -> str:
        """Return what people call a task."""
        return self._workflow.title_of(request)

    def next_step(self, history: Sequence[Done], request: Any) -> str:
        """Return the step that follows the finished ones.

        Raises:
            PlanError: The author's plan cannot say.
        """
        item = planned(self, history, request)
        if isinstance(item, DeclaredReview):
            return Step.HUMAN_REVIEW
        return Step.COMPLETED if item == END else item

    def reviewed(self, history: Sequence[Done], request: Any) -> str:
        """Return the step that a human is asked about."""
        item = planned(self, history, request)
        if isinstance(item, DeclaredReview):
            return item.of
        # the question was asked by another version, whose order was another
        decided = set()
        for done in reversed(history):
            if done.step in self.reviews and done.step not in decided:
                return done.step
            decided.add(done.output.get("of"))
        return ""

    def kept(self, history: Sequence[Done], steps: Collection[str]) -> int:
        """Return how many finished steps stay when the parts of some are made anew."""
        if self.plan is None:
            return kept(self.way, history, steps)
        return super().kept(history, steps)

    def terms(self, of: str) -> Terms:
        """Return until when a review is to be decided, and what happens then."""
        review = self.reviews.get(of)
        return Terms() if review is None else Terms(review.due_hours, review.on_expiry)

    def upgraded(self, history: Sequence[Done], *, from_version: int) -> list[Done] | None:
        """Return a history of an earlier version as one of this version."""
        if from_version not in self.upgrades:
            return None
        return upgraded(self, history, from_version=from_version)

    async def under_review(
        self, session: AsyncSession, row: TaskRow, history: Sequence[Done]
    ) -> UnderReview:
        """Return what the reviewed step gave."""
        of = self.reviewed(history, self.asked(row))
        subject = UnderReview(
            title=str(row.title or row.goal),
            version=sum(done.step in self.reviews for done in history),
            of=of,
            value=(last_output(history, of) or {}).get("value"),
            schema=self.result_schema(of),
        )
        if of not in self.makers:
            return subject
        parts = await PartsUnderReview.read(session, row.task_id, self.declared[of])
        return replace(subject, value=parts.value, schema=parts.schema)

    async def edited(
        self, session: AsyncSession, row: TaskRow, review: Review, decision: Answer, *, of: str
    ) -> Edited | None:
        """Return the reviewer's own value in place of what the step gave."""
        del review
        if decision.decision is not Decision.EDIT:
            return None
        if of not in self.declared:
            raise InvalidRequestError(f"This version has no step {of!r}; reject with `feedback`.")
        title = str(row.title or row.goal)
        if of not in self.makers:
            return Edited(
                title=title, step=of, output=self.declared[of].codec.edited(decision.edits)
            )
        parts = await PartsUnderReview.read(session, row.task_id, self.declared[of])
        rows = await finished_steps(session, row.task_id)
        return Edited(
            title=title,
            writes=parts.replaced(decision.edits),
            step=of,
            output=last_output(rows, of) or {},
        )

    # --- what is told of it ---------------------------------------------------------------------

    def describe(self) -> WorkflowShape:
        """Return what the workflow is, without a task of it."""
        return WorkflowShape(
            name=self.name,
            version=self.version,
            title=in_words(self.name),
            description=self._workflow.description or self.request.__doc__,
            request_schema=self.request.model_json_schema(),
            page=self._workflow.page,
            steps=tuple(
                StepShape(
                    name=step.name,
                    title=in_words(step.name),
                    reviewed=step.name in self.reviews,
                    parts=step.listing is not None,
                    kinds=self.makers[step.name].kinds if step.listing else (),
                )
                for step in self.declared.values()
            ),
        )

    def result_schema(self, step: str) -> dict[str, Any] | None:
        """Return the JSON Schema of what a step gives."""
        found = self.declared.get(step)
        return None if found is None or found.listing is not None else found.codec.schema

    def part_schema(self, step: str, kind: str) -> dict[str, Any] | None:  # noqa: ARG002 - one shape for all
        """Return the JSON Schema of a part's body."""
        found = self.declared.get(step)
        return None if found is None or found.listing is None else found.codec.schema

    def result_value(self, step: str, output: Mapping[str, Any]) -> Any:
        """Return what a step gave, also one of an earlier version; of one with parts how many."""
        return output["value"] if step not in self.makers and "value" in output else dict(output)

    def part_value(self, step: str, kind: str, body: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """Return what a part's function gave."""
        return body.get("value")

    # --- what is stored of it -------------------------------------------------------------------

    def stored_request(self, request: BaseModel) -> dict[str, Any]:
        """Return what is stored of a request; it reads as the same one."""
        return self._requests.stored(request)

    def reads(self, version: int) -> bool:
        """Tell whether a version's results have this one's types: only its own surely have."""
        return version == self.version

    def check_output(self, step: str, output: Any) -> None:
        """Check what is stored of a step that gives one result."""
        if step in self.steps:
            self.declared[step].codec.check(output)

    def check_body(self, step: str, kind: str, body: Any) -> None:  # noqa: ARG002 - one shape for all
        """Check what is stored of a finished part."""
        if step in self.makers:
            self.declared[step].codec.check(body)

    # --- what its own steps get -----------------------------------------------------------------

    def result(self, history: Sequence[Done], step: str) -> Any:
        """Return what a step gave the last time, in its type.

        Raises:
            UnreadableRecordError: An earlier version stored something else.
        """
        output = last_output(history, step) or {}
        return self.declared[step].codec.read(output, what=f"the result of {step!r}")

    def result_or_none(self, history: Sequence[Done], step: str) -> Any:
        """Return what a step gave the last time; None while it has not run."""
        return None if last_output(history, step) is None else self.result(history, step)

    def feedback(self, history: Sequence[Done], step: str) -> str | None:
        """Return what the last rejection wants changed, if it is meant for this step."""
        return rejection(history, step, reviewed=step in self.reviews)

    def _body(self, step: DeclaredStep) -> StepBody:
        async def run(base: StepContext) -> StepResult:
            number = round_of(base.history, step.name)
            arguments = await Results(self, base).arguments(
                step.signature, step=step.name, ctx=Context(base.asking)
            )
            value = await call(step.signature.function, arguments)
            return StepResult(
                output=step.codec.stored(value, what=f"The step {step.name!r}"),
                input_digest=digest([step.name, number, base.request.model_dump(mode="json")]),
                summary=f"{in_words(step.name)} is done",
            )

        return run

    def _options_of(self, step: DeclaredStep) -> StepOptions:
        """Return how a step runs: one needs all parts before it, unless its author says otherwise.

        Those that are made after it do not count when it runs again, as after a rejection.
        """
        if step.listing is not None:
            return step.options
        needs = 1.0 if step.needs is None else step.needs
        before = list(self.declared.values())[: list(self.declared).index(step.name)]
        of = frozenset(each.name for each in before if each.listing is not None)
        return replace(step.options, needs=needs, needs_of=of if self.plan is None else None)
