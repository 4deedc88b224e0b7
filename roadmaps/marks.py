"""How learners mark a concept: in hand, done, or left out on purpose."""

from __future__ import annotations

from enum import StrEnum


class Mark(StrEnum):
    """What a learner says of a concept; without a mark it was not begun."""

    LEARNING = "learning"
    DONE = "done"
    SKIPPED = "skipped"
