"""Collects what a function takes by name: the request, results of steps, feedback."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

from core.errors import PlanError
from core.states import ContentStatus, Decision, Step
from db.repositories.parts import newest_parts
from db.session import retrying_read
from workflow.authoring.parts import Parts, collected
from workflow.authoring.signature import MISSING
from workflow.history import last_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.models import Part
    from workflow.authoring.compiled import Compiled
    from workflow.authoring.declared import DeclaredStep
    from workflow.authoring.signature import Parameter, Signature
    from workflow.history import Done
    from workflow.step import StepContext


class Results:
    """The results that one step's functions may look at; each is read once, when first needed."""

    def __init__(self, compiled: Compiled, base: StepContext) -> None:
        """Nothing is read yet."""
        self._compiled = compiled
        self._base = base
        self._read: dict[str, Any] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def feedback(self, step: str) -> str | None:
        """Return what the last rejection wants changed, if it is meant for a step."""
        return self._compiled.feedback(self._base.history, step)

    async def arguments(self, signature: Signature, *, step: str, **given: Any) -> dict[str, Any]:
        """Return what a function is called with.

        Args:
            signature: The function.
            step: The step that it belongs to.
            given: Values that are no results, such as `part`.

        Raises:
            PlanError: A step whose result it needs has not run.
        """
        arguments: dict[str, Any] = {}
        for name, parameter in signature.parameters.items():
            if name in given:
                arguments[name] = given[name]
            elif name == "request":
                arguments[name] = self._base.request
            elif name == "feedback":
                arguments[name] = self.feedback(step)
            else:
                arguments[name] = await self._result(parameter, step)
        return arguments

    async def _result(self, parameter: Parameter, step: str) -> Any:
        name = parameter.name
        if last_output(self._base.history, name) is None:
            if parameter.default is not MISSING:
                return parameter.default
            if parameter.optional:
                return None
            raise PlanError(
                f"The step {step!r} takes the result of {name!r}, which has not run. Let the plan"
                f" run it before, or annotate it `| None`."
            )
        async with self._locks[name]:
            if name not in self._read:
                self._read[name] = await self._of(self._compiled.declared[name])
        return self._read[name]

    async def _of(self, step: DeclaredStep) -> Any:
        if step.listing is None:
            return self._compiled.result(self._base.history, step.name)
        return parts_of(step, await self._rows(step.name))

    async def _rows(self, step: str) -> Sequence[Part]:
        wanted = partial(newest_parts, task_id=self._base.task_id, step=step, bodies=True)
        return await retrying_read(wanted)


def parts_of(step: DeclaredStep, rows: Sequence[Part]) -> Parts[Any]:
    """Return the parts of a step as later steps get them, in the order of its list."""
    return collected(
        (
            (
                row.key,
                row.kind,
                step.codec.read(row.body or {}, what=f"the {step.name} of {row.title!r}"),
            )
            for row in rows
            if row.status == ContentStatus.COMPLETED
        ),
        ((row.key, row.kind, row.error) for row in rows if row.status == ContentStatus.FAILED),
        kinds=step.listing.kinds if step.listing else (),
    )


def rejection(history: Sequence[Done], step: str, *, reviewed: bool) -> str | None:
    """Return what the last rejection wants changed, if the step has not run since.

    Args:
        history: What is finished.
        step: The step that is about to run.
        reviewed: Humans are asked about this very step, so that what they say of others is not
            meant for it.
    """
    for done in reversed(history):
        if done.step == step:
            return None
        if done.step == Step.HUMAN_REVIEW:
            if done.output.get("decision") != Decision.REJECT:
                return None
            if reviewed and done.output.get("of") != step:
                continue
            return done.output.get("feedback")
    return None
