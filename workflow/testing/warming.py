"""Runs a small workflow of our own once, so that the workers that are forked later start warm.

What a process learns with its first task (compiled statements, configured mappers) its forked
children know: each of them is then four times as quick. The author's own workflow cannot serve for
that: what it would leave in the memory of this process would be in all its workers, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from core.loop_local import ProcessLocal
from core.stages import Stages
from core.states import Step
from workflow import registry
from workflow.accepting import create_task
from workflow.definition import Definition
from workflow.parts import Need
from workflow.runs import run_task
from workflow.step import PartsStep, StepResult, Written
from workflow.testing.looking import seen_task
from workflow.testing.reviews import decide_open_review
from workflow.under_review import UnderReview

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "lab_warm_up"
_WAY: Final = ("think", Step.HUMAN_REVIEW, "make", "sum_up", Step.COMPLETED)


class _Nothing(BaseModel):
    """A request for nothing."""


async def _think(_context: Any) -> StepResult:
    return StepResult(output={}, input_digest="", summary="Thought")


class _Make(PartsStep):
    async def list(self, _context: Any) -> Sequence[Need]:
        return [Need(key="a", title="A", kind="a", digest="", inputs=None)]

    async def make(self, *_args: Any, **_named: Any) -> Written:
        return Written({"value": 1})


class _WarmUp(Definition):
    name = NAME
    request = _Nothing
    stages = Stages(
        workflow=NAME,
        begins_at={"think": 1, "make": 10, "sum_up": 90},
        ends_at={"make": 90},
        review_at=5,
    )

    def __init__(self) -> None:
        self.steps = {"think": _think, "sum_up": _think}
        self.parts = {"make": _Make()}

    def title(self, _request: Any) -> str:
        return "Warm-up"

    def next_step(self, history: Sequence[Any], _request: Any) -> str:
        return _WAY[_WAY.index(history[-1].step) + 1] if history else _WAY[0]

    async def under_review(self, *_args: Any, **_named: Any) -> UnderReview:
        return UnderReview(title="Warm-up", version=1)


class _Warm:
    """Whether this process is warm."""

    def __init__(self) -> None:
        self.done = False


_warm: Final = ProcessLocal(_Warm)


async def warm_up() -> None:
    """Run it, the first time in this process; a lab is open."""
    if _warm.get().done:
        return
    with registry.known_for_now([_WarmUp()]):
        task_id = await create_task(_Nothing(), user_id="lab", workflow=NAME)
        await run_task(task_id, worker="lab")
        await decide_open_review(task_id, None)
        await run_task(task_id, worker="lab")
        await seen_task(task_id)
    _warm.get().done = True
