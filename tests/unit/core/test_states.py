"""The pairs and moves that a task's life allows, against the documented tables."""

from __future__ import annotations

import pytest

from core.states import (
    LEGAL_STEPS,
    RETRYABLE,
    TERMINAL,
    TRANSITIONS,
    WORKING_STEPS,
    Status,
    Step,
    can_move,
    is_legal,
    pairs_check_sql,
)

WORKING = {
    "intent_analysis",
    "curriculum_design",
    "structure_validation",
    "edit_plan_analysis",
    "roadmap_edit",
    "content_generation",
}

# the table of docs/ARCHITECTURE.md, by hand
PAIRS = {
    "pending": {"queued"},
    "processing": WORKING | {"resuming"},
    "human_review_pending": {"human_review"},
    "completed": {"completed"},
    "partial_failure": {"content_generation"},
    "failed": WORKING,
    "cancelled": WORKING | {"queued", "resuming", "human_review"},
}

# terminal ones are left by a retry or a regeneration only, and that leads to processing
MOVES = {
    "pending": {"processing", "failed", "cancelled"},
    "processing": {
        "processing",
        "human_review_pending",
        "completed",
        "partial_failure",
        "failed",
        "cancelled",
    },
    "human_review_pending": {"processing", "cancelled"},
    "completed": {"processing"},
    "partial_failure": {"processing"},
    "failed": {"processing"},
    "cancelled": {"processing"},
}


@pytest.mark.parametrize(("status", "step"), [(a, b) for a in Status for b in Step])
def test_pair(status: Status, step: Step) -> None:
    """A pair is legal if and only if the documented table has it."""
    assert is_legal(status, step) is (str(step) in PAIRS[str(status)])


@pytest.mark.parametrize(("before", "after"), [(a, b) for a in Status for b in Status])
def test_move(before: Status, after: Status) -> None:
    """A status may become another one if and only if the table of moves says so."""
    assert can_move(before, after) is (str(after) in MOVES[str(before)])


def test_names() -> None:
    """The names stay as they are: other programs store and compare them."""
    assert {str(status) for status in Status} == set(PAIRS)
    assert {str(step) for step in Step} == set().union(*PAIRS.values())
    assert {str(step) for step in WORKING_STEPS} == WORKING
    assert set(LEGAL_STEPS) == set(TRANSITIONS) == set(Status)


def test_terminal() -> None:
    """Terminal statuses are four, and of these all but `completed` can be retried."""
    assert {"completed", "partial_failure", "failed", "cancelled"} == TERMINAL
    assert {"completed"} == TERMINAL - RETRYABLE


def test_sql_names_every_pair_once() -> None:
    """The CHECK's condition names each status once and each of its steps."""
    sql = pairs_check_sql()
    for status, steps in PAIRS.items():
        assert sql.count(f"status = '{status}' ") == 1
        part = sql.split(f"status = '{status}' AND current_step IN (")[1].split(")")[0]
        assert {name.strip(" '") for name in part.split(",")} == steps
