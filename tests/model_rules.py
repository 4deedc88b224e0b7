"""What the language model of the tests is told to do with a request, and what it notes down."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass
class Rule:
    """What to do with requests that match; `times` bounds how often, None is always."""

    behaviour: str
    kind: str | None = None
    title: str | None = None
    """Regular expression for the concept's title."""
    goal: str | None = None
    """Regular expression for the learner's goal."""
    times: int | None = None
    status: int = 500
    retry_after: str | None = None
    body: str | None = None
    seconds: float = 0.0
    """Of `latency` before the answer, in streams between two pieces."""
    pieces: int = 8
    """In how many a stream's content comes."""

    def matches(self, kind: str, title: str, goal: str) -> bool:
        """Tell whether the rule is for such a request."""
        return (
            self.times != 0
            and self.kind in {None, kind}
            and (self.title is None or re.search(self.title, title) is not None)
            and (self.goal is None or re.search(self.goal, goal) is not None)
        )


@dataclass
class Entry:
    """One request in the ledger."""

    at: float
    """Unix time when the request had arrived."""
    kind: str
    title: str
    goal: str
    outcome: str
    """The behaviour, `status_429` for a status, `client_gone` when nobody waited for it, and
    `in_progress` until it is decided."""
    seconds: float
    tokens: int
