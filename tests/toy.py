"""A second workflow, of thirty lines, to show that the engine knows nothing of roadmaps.

Two steps, a review, parts of two kinds, a last step. What it writes it makes up.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from core.digest import digest
from core.errors import AppError
from core.stages import Stages
from core.states import Step
from workflow.definition import Definition
from workflow.history import last_output
from workflow.parts import Need
from workflow.step import PartsStep, StepResult, Written
from workflow.under_review import UnderReview

if TYPE_CHECKING:
    from collections.abc import Sequence


class ToyRequest(BaseModel):
    """What a report is about, how many chapters it has, and how long each part takes."""

    topic: str
    chapters: int = 2
    folder: str
    """Where it notes what it made; parts that its file `fails` names fail."""
    takes_s: float = 0.0


async def plan(context: Any) -> StepResult:
    """Name the chapters; a rejected plan is made again with one more."""
    rejected = sum(done.output.get("decision") == "reject" for done in context.history)
    chapters = [f"Chapter {n + 1}" for n in range(context.request.chapters + rejected)]
    return StepResult(
        output={"chapters": chapters}, input_digest=digest(chapters), summary="It is planned"
    )


async def check(context: Any) -> StepResult:
    """Find nothing wrong with the plan."""
    return StepResult(
        output={}, input_digest=digest(context.request.topic), summary="It is in order"
    )


async def sum_up(context: Any) -> StepResult:
    """Count what was made."""
    made = last_output(context.history, "write")
    return StepResult(output={"made": made}, input_digest=digest(made), summary="It is summed up")


def _noted(folder: Path, name: str) -> bool:
    """Note that a part is made; tell whether it may succeed."""
    with (folder / "ledger").open("a") as ledger:
        ledger.write(f"{name}\n")
    fails = folder / "fails"
    return not fails.exists() or name not in fails.read_text()


class Write(PartsStep):
    """A text and a picture for each chapter."""

    noun = "part"
    kinds = ("text", "picture")
    needs = 0.5

    async def list(self, context: Any) -> Sequence[Need]:
        """Return both for each chapter."""
        chapters = (last_output(context.history, "plan") or {})["chapters"]
        return [
            Need(
                key=name.lower(),
                title=name,
                kind=kind,
                digest=digest([name, kind]),
                inputs=context.request,
            )
            for name in chapters
            for kind in self.kinds
        ]

    async def make(self, _task_id: Any, want: Any, _asking: Any) -> Written:
        """Make it up, slowly enough to be killed in between."""
        request, name = want.need.inputs, f"{want.need.kind} of {want.need.title}"
        await asyncio.sleep(request.takes_s)
        if not _noted(Path(request.folder), name):
            raise AppError("It was told to fail.", code="told_to_fail")
        return Written({"text": name})


class Toy(Definition):
    """Plan, check, review, write, sum up."""

    name = "toy"
    request = ToyRequest
    stages = Stages(
        workflow="toy",
        begins_at={"plan": 1, "check": 5, "write": 10, "sum_up": 90},
        ends_at={"write": 90},
        review_at=8,
    )
    steps = MappingProxyType({"plan": plan, "check": check, "sum_up": sum_up})
    parts = MappingProxyType({"write": Write()})

    def title(self, request: ToyRequest) -> str:
        """Name the report."""
        return f"About {request.topic}"

    def next_step(self, history: Sequence[Any], _request: Any) -> str:
        """Go from one to the next; a rejection goes back to the plan."""
        if not history:
            return "plan"
        if history[-1].output.get("decision") == "reject":
            return "plan"
        way = ["plan", "check", Step.HUMAN_REVIEW, "write", "sum_up", Step.COMPLETED]
        return way[way.index(history[-1].step) + 1]

    async def under_review(self, _session: Any, row: Any, history: Sequence[Any]) -> UnderReview:
        """Ask about the newest plan."""
        return UnderReview(title=row.title, version=sum(done.step == "plan" for done in history))


TOY = Toy()
