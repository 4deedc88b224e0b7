"""The statuses and steps of a task, the legal pairs, and the legal moves between them.

The database's CHECK constraint, the recorder's transition guard and the documentation's table
are all made from this file.
"""

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
    """What a task is doing, or where it stopped."""

    QUEUED = "queued"
    INTENT_ANALYSIS = "intent_analysis"
    CURRICULUM_DESIGN = "curriculum_design"
    STRUCTURE_VALIDATION = "structure_validation"
    EDIT_PLAN_ANALYSIS = "edit_plan_analysis"
    ROADMAP_EDIT = "roadmap_edit"
    HUMAN_REVIEW = "human_review"
    CONTENT_GENERATION = "content_generation"
    RESUMING = "resuming"
    COMPLETED = "completed"


class ContentKind(StrEnum):
    """The three contents of a concept."""

    TUTORIAL = "tutorial"
    RESOURCES = "resources"
    QUIZ = "quiz"


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


WORKING_STEPS: Final = frozenset(
    {
        Step.INTENT_ANALYSIS,
        Step.CURRICULUM_DESIGN,
        Step.STRUCTURE_VALIDATION,
        Step.EDIT_PLAN_ANALYSIS,
        Step.ROADMAP_EDIT,
        Step.CONTENT_GENERATION,
    }
)
"""Steps during which a worker holds the task."""

TERMINAL: Final = frozenset(
    {Status.COMPLETED, Status.PARTIAL_FAILURE, Status.FAILED, Status.CANCELLED}
)
"""Statuses that only an explicit retry leaves."""

RETRYABLE: Final = frozenset({Status.PARTIAL_FAILURE, Status.FAILED, Status.CANCELLED})
"""Terminal statuses with something left to do."""

LEGAL_STEPS: Final[dict[Status, frozenset[Step]]] = {
    Status.PENDING: frozenset({Step.QUEUED}),
    Status.PROCESSING: WORKING_STEPS | {Step.RESUMING},
    Status.HUMAN_REVIEW_PENDING: frozenset({Step.HUMAN_REVIEW}),
    Status.COMPLETED: frozenset({Step.COMPLETED}),
    Status.PARTIAL_FAILURE: frozenset({Step.CONTENT_GENERATION}),
    Status.FAILED: WORKING_STEPS,
    Status.CANCELLED: WORKING_STEPS | {Step.QUEUED, Step.RESUMING, Step.HUMAN_REVIEW},
}
"""For each status the steps it may stand with; every other pair is refused by the database."""

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


def is_legal(status: Status, step: Step) -> bool:
    """Tell whether the pair may be stored."""
    return step in LEGAL_STEPS[status]


def can_move(before: Status, after: Status) -> bool:
    """Tell whether a task may go from one status to the other."""
    return after in TRANSITIONS[before]


def pairs_check_sql() -> str:
    """Return the SQL condition of the CHECK constraint on `(status, current_step)`."""
    parts = [
        f"(status = '{status}' AND current_step IN ({_quoted(steps)}))"
        for status, steps in LEGAL_STEPS.items()
    ]
    return " OR ".join(parts)


def _quoted(steps: frozenset[Step]) -> str:
    return ", ".join(f"'{step}'" for step in sorted(steps))
