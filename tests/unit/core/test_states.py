"""The pairs and moves that a task's life allows, against the contract's tables."""

from __future__ import annotations

import pytest

from core.stages import stages_of
from core.states import (
    RESERVED,
    RETRYABLE,
    TERMINAL,
    TRANSITIONS,
    Status,
    can_move,
    legal_reserved,
    pairs_check_sql,
)
from roadmaps.steps.names import STAGES

WORKING = {
    "intent_analysis",
    "curriculum_design",
    "structure_validation",
    "edit_plan_analysis",
    "roadmap_edit",
    "content_generation",
}

# the contract's table, by hand
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


@pytest.mark.parametrize(
    ("status", "step"), [(a, b) for a in Status for b in sorted(WORKING | RESERVED)]
)
def test_pair(status: Status, step: str) -> None:
    """A pair is legal if and only if the contract's table has it."""
    assert STAGES.is_legal(status, step) is (step in PAIRS[str(status)])


@pytest.mark.parametrize(("before", "after"), [(a, b) for a in Status for b in Status])
def test_move(before: Status, after: Status) -> None:
    """A status may become another one if and only if the table of moves says so."""
    assert can_move(before, after) is (str(after) in MOVES[str(before)])


def test_names() -> None:
    """The names are the contract's: other programs store and compare them."""
    assert {str(status) for status in Status} == set(PAIRS)
    assert {*STAGES.steps} | RESERVED == set().union(*PAIRS.values())
    assert {*STAGES.steps} == WORKING
    assert set(TRANSITIONS) == set(Status)


def test_terminal() -> None:
    """Terminal statuses are four, and of these all but `completed` can be retried."""
    assert {"completed", "partial_failure", "failed", "cancelled"} == TERMINAL
    assert {"completed"} == TERMINAL - RETRYABLE


def test_a_stranger_may_stand_where_a_step_may() -> None:
    """Of a workflow that is not known here every name is as good, but the engine's own ones."""
    unknown = stages_of("nobody's")
    for status in Status:
        working = bool(PAIRS[str(status)] & WORKING)
        assert unknown.is_legal(status, "anything") is working
        for step in RESERVED:
            assert unknown.is_legal(status, step) is (step in legal_reserved(status))


def test_sql_names_every_status_once() -> None:
    """The CHECK's condition names each status once, and with it where the engine's names stand."""
    sql = pairs_check_sql()
    for status, steps in PAIRS.items():
        assert sql.count(f"status = '{status}' ") == 1
        part = sql.split(f"status = '{status}' AND current_step ")[1].split(")")[0]
        named = {name.strip(" '") for name in part.split("(")[1].split(",")}
        assert named == (steps if part.startswith("IN") else RESERVED - steps)
