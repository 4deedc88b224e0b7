"""Which step comes next when the author brings no plan: the order of declaration.

Whatever runs again takes all that follows it along: its results are out of date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.states import Decision, Step
from workflow.authoring.declared import DeclaredReview

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    finished: set[int] = set()
    for done in history:
        place = place_of(way, done)
        if place is None:
            continue
        if done.output.get("decision") == Decision.REJECT and done.step == Step.HUMAN_REVIEW:
            again = way.index(done.output["of"])
            finished = {each for each in finished if each < again}
        else:
            finished = {each for each in finished if each < place} | {place}
    return next((each for number, each in enumerate(way) if number not in finished), None)
