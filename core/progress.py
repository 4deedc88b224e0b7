"""How far a task is, in per cent: the one formula."""

from __future__ import annotations

from typing import Final

from core.states import Status, Step

STRUCTURE_SHARE: Final = 10.0
"""Per cent of the whole that stand for everything before the contents."""
NEARLY: Final = 99.9
"""100 is reached at `completed` only."""

_AT_STEP: Final = {
    Step.QUEUED: 0.0,
    Step.INTENT_ANALYSIS: 1.0,
    Step.CURRICULUM_DESIGN: 3.0,
    Step.STRUCTURE_VALIDATION: 6.0,
    Step.EDIT_PLAN_ANALYSIS: 7.0,
    Step.ROADMAP_EDIT: 8.0,
    Step.HUMAN_REVIEW: 9.0,
}


def percent(status: Status, step: Step, *, done: int, total: int) -> float:
    """Return how far a task is, 0 to 100 with one decimal; 0 where the step does not tell.

    Args:
        status: Its status.
        step: Its current step.
        done: Contents completed.
        total: Contents in all; 0 while not known.
    """
    if status is Status.COMPLETED:
        return 100.0
    if step is Step.CONTENT_GENERATION and total:
        share = (100.0 - STRUCTURE_SHARE) * done / total
        return min(NEARLY, round(STRUCTURE_SHARE + share, 1))
    return _AT_STEP.get(step, 0.0)
