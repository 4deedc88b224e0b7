"""What is shown of workflows, and of what their tasks made, in the words of their definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field

from core.errors import UnknownWorkflowError, readable, readable_error
from core.states import RESERVED, ContentStatus
from notifications.event_types import StepName  # noqa: TC001 - pydantic reads it
from watching.queries.parts import PartView, stored_part
from watching.queries.results import StoredResult, StoredResults, stored_results
from watching.queries.shapes import Moment, View
from workflow.registry import definition_of, definitions
from workflow.shape import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from core.actor import Actor
    from workflow.definition import Definition
    from workflow.shape import StepShape

Json = dict[str, Any]


class _Described(View):
    """Has a field that is called `schema`, as is a method of every model."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class StepView(View):
    """A step of a workflow."""

    name: StepName
    title: str = Field(description="What people call it.")
    reviewed: bool = Field(description="A human is asked about what it gave.")
    parts: bool = Field(description="It makes parts, which succeed or fail one by one.")
    kinds: list[str] = Field(description="The kinds of parts that each key has; else empty.")


class WorkflowView(View):
    """A workflow that can be asked for."""

    name: str
    version: int
    title: str = Field(description="What people call it.")
    description: str | None
    request_schema: Json = Field(description="JSON Schema of `request`.")
    steps: list[StepView] = Field(description="In order.")
    page: str | None = Field(description="Where its own page's module is, if it has one.")


class PartFailureView(View):
    """Why a part is not there."""

    key: str
    kind: str
    title: str
    code: str
    message: str


class FinishedStepView(_Described):
    """A step that has ended at least once."""

    step: StepName
    title: str
    round: int = Field(description="How often it has run.")
    finished_at: Moment
    schema_: Json | None = Field(
        alias="schema",
        description="JSON Schema of its result, or of one part; null where none is known.",
    )
    parts: bool = Field(description="It made parts.")
    failed: list[PartFailureView] = Field(description="The parts that are missing, and why.")
    left_out: bool = Field(
        description="Its parts hold too much to stand in `results`; they are at `/parts`."
    )


class ResultsView(View):
    """What a task's finished steps gave, the last time that each ran."""

    task_id: str
    workflow: str
    results: Json = Field(
        description="By step, in the order in which they ended. Of a step with parts what is there"
        " of them, by key, and by kind where it declares kinds."
    )
    steps: list[FinishedStepView] = Field(description="More about each of these steps.")


class PartBodyView(_Described, PartView):
    """A version of a part, with what was made."""

    instruction: str | None = Field(description="What whoever had it made anew wanted.")
    versions: list[int] = Field(description="Those that can be read.")
    body: Any = Field(description="What was made; null until it is there.")
    schema_: Json | None = Field(
        alias="schema", description="JSON Schema of the body; null where none is known."
    )


def workflow_views() -> list[WorkflowView]:
    """Return all workflows that are known here."""
    return [workflow_view(each) for each in definitions()]


def workflow_view(definition: Definition) -> WorkflowView:
    """Return what a workflow tells of itself."""
    shape = definition.describe()
    return WorkflowView(
        name=shape.name,
        version=shape.version,
        title=shape.title,
        description=shape.description,
        request_schema=shape.request_schema,
        steps=[_step(each) for each in shape.steps],
        page=shape.page,
    )


def _step(step: StepShape) -> StepView:
    return StepView(
        name=step.name,
        title=step.title,
        reviewed=step.reviewed,
        parts=step.parts,
        kinds=list(step.kinds),
    )


async def results_of(task_id: UUID, *, actor: Actor, parts: bool = True) -> ResultsView:
    """Return what a task's finished steps gave.

    Args:
        task_id: The task.
        actor: Who asks.
        parts: With the steps that make parts.

    Raises:
        NotFoundError: There is no such task, or it belongs to somebody else.
    """

    def of_parts(workflow: str) -> list[str]:
        definition = known(workflow)
        return list(definition.parts) if parts and definition else []

    stored = await stored_results(task_id, actor=actor, of_parts=of_parts)
    definition = known(stored.workflow)
    steps = [each for each in stored.steps if each.step not in RESERVED]
    if definition is None:
        results = {each.step: _taken_out(each.output) for each in steps}
    else:
        made = PartsMade(definition, stored)
        steps = made.with_parts(steps) if parts else made.without_parts(steps)
        results = {
            each.step: made.values(each.step)
            if each.step in definition.parts
            else definition.result_value(each.step, readable(each.output))
            for each in steps
            if each.step not in stored.too_large
        }
    return ResultsView(
        task_id=str(task_id),
        workflow=stored.workflow,
        results=results,
        steps=[_finished(definition, stored, each) for each in steps],
    )


def _finished(
    definition: Definition | None, stored: StoredResults, each: StoredResult
) -> FinishedStepView:
    made = definition.parts.get(each.step) if definition else None
    schema = None
    if definition is not None and made is None:
        schema = definition.result_schema(each.step)
    elif definition is not None and made is not None:
        schema = definition.part_schema(each.step, next(iter(made.kinds), ""))
    return FinishedStepView(
        step=each.step,
        title=titles_of(definition).get(each.step, in_words(each.step)),
        round=each.round,
        finished_at=each.finished_at,
        schema_=schema,
        parts=made is not None,
        failed=[
            PartFailureView(
                key=part.key,
                kind=part.kind,
                title=part.title,
                code=error["code"],
                message=error["message"],
            )
            for part in stored.parts
            if part.step == each.step and part.status == ContentStatus.FAILED
            for error in [readable_error(part.error)]
        ],
        left_out=each.step in stored.too_large,
    )


class PartsMade:
    """What a task's steps with parts gave."""

    def __init__(self, definition: Definition, stored: StoredResults) -> None:
        """Take what is stored."""
        self._definition = definition
        self._stored = stored

    def without_parts(self, steps: Sequence[StoredResult]) -> list[StoredResult]:
        """Return the steps that make no parts."""
        return [each for each in steps if each.step not in self._definition.parts]

    def with_parts(self, steps: Sequence[StoredResult]) -> list[StoredResult]:
        """Add the step whose parts ended the task: it has no checkpoint, for nothing follows."""
        there = {each.step for each in steps}
        ended = self._stored.finished_at
        if ended is None:
            return list(steps)
        return [
            *steps,
            *(
                StoredResult(step=step, round=1, finished_at=ended, output={})
                for step in self._definition.parts
                if step not in there and any(part.step == step for part in self._stored.parts)
            ),
        ]

    def values(self, step: str) -> Json:
        """Return the parts that are there, as later steps get them."""
        by_kind = self._definition.parts[step].by_kind
        found: Json = {}
        for part in self._stored.parts:
            if part.step != step or part.status != ContentStatus.COMPLETED:
                continue
            value = self._definition.part_value(step, part.kind, readable(part.body))
            if by_kind:
                found.setdefault(part.key, {})[part.kind] = value
            else:
                found[part.key] = value
        return found


async def part_of(
    task_id: UUID,
    step: str,
    key: str,
    *,
    actor: Actor,
    kind: str | None = None,
    version: int | None = None,
) -> PartBodyView:
    """Return a version of a part.

    Raises:
        NotFoundError: There is no such task, or it belongs to somebody else; or no such part.
        InvalidRequestError: The key has parts of several kinds, and none was named.
    """
    found = await stored_part(task_id, step, key, actor=actor, kind=kind, version=version)
    definition, body = known(found.workflow), found.body
    if definition is None:
        body = _taken_out(body)
    elif body is not None:
        body = definition.part_value(step, found.view.kind, readable(body))
    return PartBodyView(
        **dict(found.view),
        instruction=found.instruction,
        versions=list(found.versions),
        body=body,
        schema_=definition.part_schema(step, found.view.kind) if definition else None,
    )


def _taken_out(stored: Any) -> Any:
    """Return what an author's function gave, of a workflow that is not here any more.

    It stands alone in what is stored, and is shown as before the workflow was taken away.
    """
    return stored["value"] if isinstance(stored, dict) and stored.keys() == {"value"} else stored


def titles_of(definition: Definition | None) -> dict[str, str]:
    """Return what people call the steps of a workflow."""
    return {} if definition is None else {s.name: s.title for s in definition.describe().steps}


def known(workflow: str) -> Definition | None:
    """Return a workflow, or None where this process does not know it."""
    try:
        return definition_of(workflow)
    except UnknownWorkflowError:
        return None
