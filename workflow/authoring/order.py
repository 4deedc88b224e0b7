"""Which step comes next when the author brings no plan: the order of declaration.

Whatever runs again takes all that follows it along: its results are out of date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.states import Decision, Step
from workflow.authoring.declared import DeclaredReview

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from workflow.history import Done


def place_of(way: Sequence[str | DeclaredReview], done: Done) -> int | None:
    """Return where a finished step stands on the way; None when it is no step of this version."""
    for number, each in enumerate(way):
        if isinstance(each, DeclaredReview):
            if done.step == Step.HUMAN_REVIEW and done.output.get("of") == each.of:
                return number
        elif each == done.step:
            return number
    return None


def following(
    way: Sequence[str | DeclaredReview], history: Sequence[Done]
) -> str | DeclaredReview | None:
    """Return what comes next; None when all is done."""
    finished: frozenset[int] = frozenset()
    for done in history:
        finished = _after(way, finished, done)
    return next((each for number, each in enumerate(way) if number not in finished), None)


def kept(
    way: Sequence[str | DeclaredReview], history: Sequence[Done], steps: Collection[str]
) -> int:
    """Return how much of a history can stay, from its beginning, so that steps run again."""
    finished: frozenset[int] = frozenset()
    most = 0
    for number, done in enumerate(history, start=1):
        finished = _after(way, finished, done)
        if not any(way[place] in steps for place in finished):
            most = number
    return most


def _after(
    way: Sequence[str | DeclaredReview], finished: frozenset[int], done: Done
) -> frozenset[int]:
    """Return by their places what is finished, and still counts, after one more step.

    What was decided about a step counts for as long as that step's result does, whatever else runs
    again between the two.
    """
    place = place_of(way, done)
    if place is None:
        return finished
    rejected = done.step == Step.HUMAN_REVIEW and done.output.get("decision") == Decision.REJECT
    again = way.index(done.output["of"]) if rejected else place
    left = frozenset(each for each in finished if each < again or _about(way, each) < again)
    return left if rejected else left | {place}


def _about(way: Sequence[str | DeclaredReview], number: int) -> int:
    """Return the place of the step that a review is about, of a step its own."""
    each = way[number]
    return way.index(each.of) if isinstance(each, DeclaredReview) else number
