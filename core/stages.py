"""What the store and the viewers know of a workflow: its steps, their order, how far each one is.

A workflow's definition registers its stages in every process that knows it. A process that does
not know a workflow leaves its tasks alone, but must be able to free, cancel and show them: for it
every name of a step is as good as another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from core.states import RESERVED, Status, Step, legal_reserved

if TYPE_CHECKING:
    from collections.abc import Mapping

_AT_A_STEP: Final = frozenset({Status.PROCESSING, Status.FAILED, Status.CANCELLED})
NEARLY: Final = 99.9
"""100 is reached at `completed` only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stages:
    """The steps of a workflow and their place on the way.

    Attributes:
        workflow: The workflow's name.
        begins_at: Each step with the per cent of the whole that lie before it, in order.
        ends_at: For each step that makes parts, the per cent at which its last part is done.
        review_at: Per cent while a human is asked.
    """

    workflow: str
    begins_at: Mapping[str, float]
    ends_at: Mapping[str, float] = field(default_factory=dict)
    review_at: float = 0.0

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that a worker runs, in order."""
        return tuple(self.begins_at)

    @property
    def first(self) -> str:
        """Where every task begins."""
        return self.steps[0]

    def makes_parts(self, step: str) -> bool:
        """Tell whether a step makes parts, which succeed or fail one by one."""
        return step in self.ends_at

    def legal_steps(self, status: Status) -> frozenset[str]:
        """Return the steps that a status may stand with."""
        reserved = legal_reserved(status)
        if status is Status.PARTIAL_FAILURE:
            return reserved | self.ends_at.keys()
        if status in _AT_A_STEP:
            return reserved | self.begins_at.keys()
        return reserved

    def is_legal(self, status: Status, step: str) -> bool:
        """Tell whether the pair may be stored."""
        if step in legal_reserved(status):
            return True
        if status is Status.PARTIAL_FAILURE:
            return step in self.ends_at
        return status in _AT_A_STEP and step in self.begins_at

    def percent(self, status: Status, step: str, *, done: int, total: int) -> float:
        """Return how far a task is, 0 to 100 with one decimal; 0 where the step does not tell.

        Args:
            status: Its status.
            step: Its current step.
            done: Parts completed.
            total: Parts in all; 0 while not known.
        """
        if status is Status.COMPLETED:
            return 100.0
        if step == Step.HUMAN_REVIEW:
            return self.review_at
        begins = self.begins_at.get(step, 0.0)
        if step in self.ends_at:
            if not total:
                return 0.0
            return min(NEARLY, round(begins + (self.ends_at[step] - begins) * done / total, 1))
        return begins

    def retried_percent(self, *, done: int, total: int) -> float:
        """Return how far a task is that is tried again: what was made of its parts stays."""
        for step in self.ends_at:
            if total:
                return self.percent(Status.PROCESSING, step, done=done, total=total)
        return 0.0


class _Unknown(Stages):
    """The stages of a workflow that this process does not know."""

    __slots__ = ()

    def is_legal(self, status: Status, step: str) -> bool:
        """Tell whether the names that the engine gives stand where they belong."""
        if step in RESERVED:
            return step in legal_reserved(status)
        return status in {
            Status.PROCESSING,
            Status.PARTIAL_FAILURE,
            Status.FAILED,
            Status.CANCELLED,
        }


_known: Final[dict[str, tuple[Stages, frozenset[int]]]] = {}


def register(stages: Stages, *, versions: frozenset[int]) -> None:
    """Make a workflow's stages known in this process, and the versions whose tasks can go on."""
    _known[stages.workflow] = stages, versions


def is_known(workflow: str) -> bool:
    """Tell whether this process knows a workflow's steps."""
    return workflow in _known


def can_run(workflow: str, version: int) -> bool:
    """Tell whether this process knows how to go on with tasks of a workflow's version."""
    return workflow in _known and version in _known[workflow][1]


def all_that_can_run() -> list[str]:
    """Return each workflow with each version for which that holds, as in `book 2`."""
    return [f"{name} {version}" for name, (_, versions) in _known.items() for version in versions]


def forget(workflow: str) -> None:
    """Let a workflow be unknown in this process again."""
    _known.pop(workflow, None)


def stages_of(workflow: str) -> Stages:
    """Return a workflow's stages; for an unknown one such that allow every name of a step."""
    known = _known.get(workflow)
    return known[0] if known else _Unknown(workflow=workflow, begins_at={})
