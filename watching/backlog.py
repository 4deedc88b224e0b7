"""What is kept for viewers: bounded, shared by all of them, with a policy for who is slow."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class Policy(StrEnum):
    """What happens to a viewer that comes too late for what was kept."""

    REREAD = "reread"
    """It goes back to the durable source, and misses nothing: for committed events."""
    DROP_OLDEST = "drop_oldest"
    """It gets what is still there: for transient events."""


class Backlog(Generic[T]):
    """The newest entries of one task, numbered without gaps.

    It is shared: a viewer costs no more than the number it has seen, however slow it is.
    """

    def __init__(self, *, limit: int, policy: Policy) -> None:
        """Keep so many at most; what happens to who needs more is the policy."""
        self.policy = policy
        self.newest = 0
        """Number of the newest entry, whether or not it is still there."""
        self._kept: deque[T] = deque(maxlen=limit)

    def append(self, entry: T) -> None:
        """Add the next entry; the oldest makes room."""
        self._kept.append(entry)
        self.newest += 1

    def begin_at(self, number: int) -> None:
        """Forget what is kept: the next entry follows this number."""
        self._kept.clear()
        self.newest = number

    def after(self, number: int) -> list[T] | None:
        """Return the entries after a number; None when they have to be read elsewhere."""
        missing = self.newest - number
        if missing <= 0:
            return []
        if missing > len(self._kept):
            if self.policy is Policy.REREAD:
                return None
            missing = len(self._kept)
        # from the end: a thousand viewers want the newest one or two, of hundreds
        newest_first = list(islice(reversed(self._kept), missing))
        newest_first.reverse()
        return newest_first
