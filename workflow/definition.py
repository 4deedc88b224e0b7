"""What a workflow is, as the engine sees it: its request, its steps, their order.

A plan is data: which step comes next is a pure function of the finished ones. Nothing is replayed,
so steps may be as undetermined as they like.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from core.errors import InvalidRequestError, UnreadableRecordError
from core.request_shapes import parse_request
from core.states import Decision
from workflow.audit_rules import AuditRules
from workflow.drafts import counted
from workflow.history import kept
from workflow.shape import StepShape, WorkflowShape, in_words
from workflow.under_review import Terms

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pydantic import BaseModel
    from sqlalchemy.ext.asyncio import AsyncSession

    from core.stages import Stages
    from db.ledger import TaskRow
    from db.models import Review
    from workflow.history import Done
    from workflow.step import PartsStep, StepBody, StepContext, StepOptions
    from workflow.under_review import Answer, Edited, UnderReview


class Definition(ABC):
    """A workflow: what the engine asks whenever it must know something about one.

    Attributes:
        name: Stored with each task.
        version: Stored with each new task. Raised when steps or their order change.
        known_versions: Those that tasks in progress may have been begun with.
        request: The model of what is asked for.
        stages: Its steps, in order, and how far each one is.
        steps: The body of each step that ends in one checkpoint.
        parts: Each step that makes parts instead.
        options: How steps run that do not run as all others do.
        budget_tokens: What a task may use at most; the lower one of it and MAX_TOKENS_PER_TASK
            counts.
        takes_edits: A reviewer's own changes are edits in its own words, instead of a whole value.
        audit: What only its tasks can have wrong.
    """

    name: str
    version: int = 1
    known_versions: frozenset[int] = frozenset({1})
    request: type[BaseModel]
    stages: Stages
    steps: Mapping[str, StepBody]
    parts: Mapping[str, PartsStep]
    options: Mapping[str, StepOptions] = MappingProxyType({})
    budget_tokens: int | None = None
    takes_edits: bool = False
    audit: AuditRules = AuditRules()

    @abstractmethod
    def title(self, request: Any) -> str:
        """Return what people call a task before it has made anything."""

    @abstractmethod
    def next_step(self, history: Sequence[Done], request: Any) -> str:
        """Return the step that follows the finished ones: `human_review` asks, `completed` ends.

        A pure function: the same history gives the same step, today and after a crash.
        """

    async def context(self, base: StepContext) -> StepContext:
        """Return what the workflow's own steps look at."""
        return base

    @abstractmethod
    async def under_review(
        self, session: AsyncSession, row: TaskRow, history: Sequence[Done]
    ) -> UnderReview:
        """Return what a human is asked about now."""

    async def edited(
        self,
        session: AsyncSession,  # noqa: ARG002 - for those who override
        row: TaskRow,  # noqa: ARG002
        review: Review,  # noqa: ARG002
        decision: Answer,
        *,
        of: str,  # noqa: ARG002
    ) -> Edited | None:
        """Return the next version made by the reviewer's own edits; None for other decisions.

        Args:
            session: The transaction.
            row: The task, locked.
            review: What is decided.
            decision: How.
            of: The step under review.

        Raises:
            InvalidRequestError: The edits do not fit.
        """
        if decision.decision is Decision.EDIT:
            raise InvalidRequestError("This workflow takes no edits; reject with `feedback`.")
        return None

    def terms(self, of: str) -> Terms:  # noqa: ARG002 - as above
        """Return until when a review of a step is to be decided, and what happens then."""
        return Terms()

    def upgraded(
        self,
        history: Sequence[Done],  # noqa: ARG002 - as above
        *,
        from_version: int,  # noqa: ARG002
    ) -> list[Done] | None:
        """Return the history of a task of an earlier known version as one of this version.

        None leaves it, and the task's version, as they are.

        Raises:
            AppError: It cannot be translated.
        """
        return None

    def finished(self, parts: int) -> str:
        """Return the sentence that everything was made; not each task makes parts."""
        made = f": {counted(parts, 'part')} made" if parts else ""
        return f"The task is complete{made}"

    def reviewed(self, history: Sequence[Done], request: Any) -> str:  # noqa: ARG002 - as above
        """Return the step that a human is asked about when `next_step` is `human_review`."""
        return history[-1].step if history else ""

    def kept(self, history: Sequence[Done], steps: Collection[str]) -> int:
        """Return how many finished steps stay when the parts of some are made anew.

        Args:
            history: All finished steps.
            steps: Those that make the parts; they and what follows them run again.
        """
        return kept(history, steps)

    # --- what is stored of it -------------------------------------------------------------------

    def asked(self, row: Any) -> Any:
        """Return what a task asks for, in the shape of this version's request model.

        Raises:
            UnreadableRecordError: It does not fit any more, or a check of the author's fails.
        """
        try:
            return parse_request(self.request, row.request)
        except InvalidRequestError as error:
            begun_with = getattr(row, "workflow_version", self.version)
            advice = (
                f"It was begun with version {begun_with}; ask where that is known."
                if begun_with > self.version
                else "Let its request model read what earlier versions stored; then retry the task,"
                " or look at its review again."
            )
            raise UnreadableRecordError(
                f"What the task asks for cannot be read by version {self.version} of"
                f" {self.name!r}: {error.message} {advice}"
            ) from None

    def stored_request(self, request: BaseModel) -> dict[str, Any]:
        """Return what is stored of a request, as JSON.

        Raises:
            InvalidRequestError: It would be read as another one.
        """
        return request.model_dump(mode="json")

    def reads(self, version: int) -> bool:
        """Tell whether what tasks of a version have stored has the shapes of this version."""
        return version in self.known_versions

    def check_output(self, step: str, output: Any) -> None:
        """Check what is stored of a step.

        Raises:
            ValueError: It cannot be read.
        """
        model = self.audit.outputs.get(step)
        if model is not None:
            model.model_validate(output)

    def check_body(self, step: str, kind: str, body: Any) -> None:  # noqa: ARG002 - for those who override
        """Check what is stored of a finished part.

        Raises:
            ValueError: It cannot be read.
        """
        model = self.audit.bodies.get(kind)
        if model is not None:
            model.model_validate(body)

    # --- what people and programs are told of it ------------------------------------------------

    def describe(self) -> WorkflowShape:
        """Return what the workflow is, without a task of it."""
        return WorkflowShape(
            name=self.name,
            version=self.version,
            title=in_words(self.name),
            request_schema=self.request.model_json_schema(),
            steps=tuple(
                StepShape(
                    name=step,
                    title=in_words(step),
                    parts=step in self.parts,
                    kinds=self.parts[step].kinds if step in self.parts else (),
                )
                for step in self.stages.steps
            ),
        )

    def result_schema(self, step: str) -> dict[str, Any] | None:
        """Return the JSON Schema of what a step gives; None where it says nothing of that."""
        output = self.audit.outputs.get(step)
        return None if output is None else output.model_json_schema()

    def part_schema(self, step: str, kind: str) -> dict[str, Any] | None:
        """Return the JSON Schema of a part's body; None where the step says nothing of that."""
        body = self.audit.bodies.get(kind) if step in self.parts else None
        return None if body is None else body.model_json_schema()

    def result_value(self, step: str, output: Mapping[str, Any]) -> Any:  # noqa: ARG002 - as above
        """Return what a step gave, as people and programs are shown it, of what is stored."""
        return dict(output)

    def part_value(self, step: str, kind: str, body: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """Return a part as people and programs are shown it, of what is stored."""
        return dict(body)
