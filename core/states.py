"""The statuses of a task, the legal moves between them, and the steps that every workflow has."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where a task is in its life."""

    PENDING = "pending"
    PROCESSING = "processing"
    HUMAN_REVIEW_PENDING = "human_review_pending"
    COMPLETED = "completed"
    PARTIAL_FAILURE = "partial_failure"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """The names that the engine gives; every other one is a step of a workflow's own."""

    QUEUED = "queued"
    HUMAN_REVIEW = "human_review"
    RESUMING = "resuming"
    COMPLETED = "completed"


RESERVED: Final = frozenset(str(step) for step in Step)
"""Names that no workflow may give to a step."""


class ContentStatus(StrEnum):
    """Where one content is in its life."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class ReviewStatus(StrEnum):
    """Where a question to a human is in its life."""

    OPEN = "open"
    DECIDED = "decided"
    CANCELLED = "cancelled"
    """Its task was cancelled before anybody decided."""


class Decision(StrEnum):
    """A human's answer to a review."""

    APPROVE = "approve"
    REJECT = "reject"
    EDIT = "edit"


class Then(StrEnum):
    """What follows a reviewer's own edits."""

    APPROVE = "approve"
    REVIEW = "review"


TERMINAL: Final = frozenset(
    {Status.COMPLETED, Status.PARTIAL_FAILURE, Status.FAILED, Status.CANCELLED}
)
"""Statuses that only an explicit retry leaves."""

RETRYABLE: Final = frozenset({Status.PARTIAL_FAILURE, Status.FAILED, Status.CANCELLED})
"""Terminal statuses with something left to do."""

_LEGAL_RESERVED: Final[dict[Status, frozenset[str]]] = {
    Status.PENDING: frozenset({Step.QUEUED}),
    Status.PROCESSING: frozenset({Step.RESUMING}),
    Status.HUMAN_REVIEW_PENDING: frozenset({Step.HUMAN_REVIEW}),
    Status.COMPLETED: frozenset({Step.COMPLETED}),
    Status.PARTIAL_FAILURE: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset({Step.QUEUED, Step.RESUMING, Step.HUMAN_REVIEW}),
}
_ONLY_RESERVED: Final = frozenset({Status.PENDING, Status.HUMAN_REVIEW_PENDING, Status.COMPLETED})

TRANSITIONS: Final[dict[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.PROCESSING, Status.FAILED, Status.CANCELLED}),
    Status.PROCESSING: frozenset(
        {
            Status.PROCESSING,
            Status.HUMAN_REVIEW_PENDING,
            Status.COMPLETED,
            Status.PARTIAL_FAILURE,
            Status.FAILED,
            Status.CANCELLED,
        }
    ),
    Status.HUMAN_REVIEW_PENDING: frozenset({Status.PROCESSING, Status.CANCELLED}),
    Status.COMPLETED: frozenset({Status.PROCESSING}),
    Status.PARTIAL_FAILURE: frozenset({Status.PROCESSING}),
    Status.FAILED: frozenset({Status.PROCESSING}),
    Status.CANCELLED: frozenset({Status.PROCESSING}),
}
"""For each status the statuses it may move to. A terminal one only moves by an explicit retry
(`completed` only by regenerating a content)."""


def legal_reserved(status: Status) -> frozenset[str]:
    """Return the engine's names that a status may stand with."""
    return _LEGAL_RESERVED[status]


def can_move(before: Status, after: Status) -> bool:
    """Tell whether a task may go from one status to the other."""
    return after in TRANSITIONS[before]


def pairs_check_sql() -> str:
    """Return the SQL condition on `(status, current_step)` that holds for every workflow."""
    parts = []
    for status, steps in _LEGAL_RESERVED.items():
        where = f"status = '{status}'"
        if status in _ONLY_RESERVED:
            parts.append(f"({where} AND current_step IN ({_quoted(steps)}))")
        elif illegal := RESERVED - steps:
            parts.append(f"({where} AND current_step NOT IN ({_quoted(illegal)}))")
    return " OR ".join(parts)


def _quoted(steps: frozenset[str]) -> str:
    return ", ".join(f"'{step}'" for step in sorted(steps))
