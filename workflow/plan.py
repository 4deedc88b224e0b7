"""Which step comes next: a pure function of what was checkpointed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from core.states import Decision, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

WORKFLOW_VERSION: Final = 1
"""Stored with each task. Raise it when steps or the order of steps change, and keep knowing how to
go on with tasks of the versions before."""

KNOWN_VERSIONS: Final = frozenset({WORKFLOW_VERSION})


_ALWAYS_NEXT: Final = {
    Step.INTENT_ANALYSIS: Step.CURRICULUM_DESIGN,
    Step.CURRICULUM_DESIGN: Step.STRUCTURE_VALIDATION,
    Step.EDIT_PLAN_ANALYSIS: Step.ROADMAP_EDIT,
    Step.ROADMAP_EDIT: Step.STRUCTURE_VALIDATION,
    Step.HUMAN_REVIEW: Step.CONTENT_GENERATION,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A finished step and what it gave."""

    position: int
    step: Step
    input_digest: str = ""
    output: dict[str, Any] = field(default_factory=dict)


def next_step(history: Sequence[Done], *, wants_review: bool, max_edit_rounds: int) -> Step:
    """Return the step that follows the last checkpoint.

    Args:
        history: The checkpoints in order.
        wants_review: A human is asked before contents are generated.
        max_edit_rounds: Automatic edits in a row before an invalid structure goes on as it is, to
            the human if there is one.
    """
    if not history:
        return Step.INTENT_ANALYSIS
    last = history[-1]
    if last.step is Step.STRUCTURE_VALIDATION:
        if not last.output["valid"] and automatic_edits(history) < max_edit_rounds:
            return Step.EDIT_PLAN_ANALYSIS
        return Step.HUMAN_REVIEW if wants_review else Step.CONTENT_GENERATION
    if last.step is Step.HUMAN_REVIEW and last.output["decision"] == Decision.REJECT:
        return Step.EDIT_PLAN_ANALYSIS
    return _ALWAYS_NEXT[last.step]


def automatic_edits(history: Sequence[Done]) -> int:
    """Return how many edits the checks asked for since the design, or since the last review."""
    edits = 0
    for done in reversed(history):
        if done.step in {Step.CURRICULUM_DESIGN, Step.HUMAN_REVIEW}:
            break
        if done.step is Step.EDIT_PLAN_ANALYSIS and done.output["source"] == "structure_validation":
            edits += 1
    return edits


def round_of(history: Sequence[Done], step: Step) -> int:
    """Return which time it is that this step runs in the task: 1 for the first."""
    return 1 + sum(done.step is step for done in history)


def last_output(history: Sequence[Done], step: Step) -> dict[str, Any] | None:
    """Return what the step gave the last time, or None if it never ran."""
    for done in reversed(history):
        if done.step is step:
            return done.output
    return None
