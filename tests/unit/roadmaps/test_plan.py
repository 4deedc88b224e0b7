"""Which step comes next."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.states import Step
from roadmaps.plan import automatic_edits, next_step
from roadmaps.steps.names import RoadmapStep
from workflow.history import Done, last_output, round_of

Entry = tuple[str, dict[str, Any]] | str

DESIGN: list[Entry] = [RoadmapStep.INTENT_ANALYSIS, RoadmapStep.CURRICULUM_DESIGN]


def history(*steps: Entry) -> list[Done]:
    """Return checkpoints of these steps, with their outputs where they matter."""
    done = []
    for position, entry in enumerate(steps, 1):
        step, output = entry if isinstance(entry, tuple) else (entry, {})
        done.append(Done(position=position, step=step, output=output))
    return done


VALID: Entry = (RoadmapStep.STRUCTURE_VALIDATION, {"valid": True})
INVALID: Entry = (RoadmapStep.STRUCTURE_VALIDATION, {"valid": False})
BY_CHECKS: Entry = (RoadmapStep.EDIT_PLAN_ANALYSIS, {"source": "structure_validation"})
BY_HUMAN: Entry = (RoadmapStep.EDIT_PLAN_ANALYSIS, {"source": "human_review"})
APPROVED: Entry = (Step.HUMAN_REVIEW, {"decision": "approve"})
REJECTED: Entry = (Step.HUMAN_REVIEW, {"decision": "reject"})
EDITED: Entry = (Step.HUMAN_REVIEW, {"decision": "edit"})
ROUND: list[Entry] = [BY_CHECKS, RoadmapStep.ROADMAP_EDIT, INVALID]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], RoadmapStep.INTENT_ANALYSIS),
        ([RoadmapStep.INTENT_ANALYSIS], RoadmapStep.CURRICULUM_DESIGN),
        (DESIGN, RoadmapStep.STRUCTURE_VALIDATION),
        ([*DESIGN, VALID], Step.HUMAN_REVIEW),
        ([*DESIGN, INVALID], RoadmapStep.EDIT_PLAN_ANALYSIS),
        ([*DESIGN, INVALID, BY_CHECKS], RoadmapStep.ROADMAP_EDIT),
        ([*DESIGN, INVALID, BY_CHECKS, RoadmapStep.ROADMAP_EDIT], RoadmapStep.STRUCTURE_VALIDATION),
        ([*DESIGN, VALID, APPROVED], RoadmapStep.CONTENT_GENERATION),
        ([*DESIGN, VALID, EDITED], RoadmapStep.CONTENT_GENERATION),
        ([*DESIGN, VALID, REJECTED], RoadmapStep.EDIT_PLAN_ANALYSIS),
        ([*DESIGN, VALID, REJECTED, BY_HUMAN], RoadmapStep.ROADMAP_EDIT),
        (
            [*DESIGN, VALID, REJECTED, BY_HUMAN, RoadmapStep.ROADMAP_EDIT],
            RoadmapStep.STRUCTURE_VALIDATION,
        ),
        ([*DESIGN, VALID, REJECTED, BY_HUMAN, RoadmapStep.ROADMAP_EDIT, VALID], Step.HUMAN_REVIEW),
    ],
)
def test_way(steps: list[Entry], expected: str) -> None:
    """Each checkpoint leads to the step that the contract's table names."""
    found = next_step(history(*steps), wants_review=True, max_edit_rounds=3)
    assert found is expected


def test_without_review() -> None:
    """A task that wants no review goes straight to its contents."""
    found = next_step(history(*DESIGN, VALID), wants_review=False, max_edit_rounds=3)
    assert found is RoadmapStep.CONTENT_GENERATION


@pytest.mark.parametrize("review", [True, False])
@pytest.mark.parametrize("limit", range(5))
def test_automatic_edits_are_bounded(limit: int, review: bool) -> None:  # noqa: FBT001
    """An invalid structure is edited MAX_EDIT_ROUNDS times, then goes on as it is."""
    after = Step.HUMAN_REVIEW if review else RoadmapStep.CONTENT_GENERATION
    steps: list[Entry] = [*DESIGN, INVALID]
    for _ in range(limit):
        found = next_step(history(*steps), wants_review=review, max_edit_rounds=limit)
        assert found is RoadmapStep.EDIT_PLAN_ANALYSIS
        steps += ROUND
    assert next_step(history(*steps), wants_review=review, max_edit_rounds=limit) is after


def test_a_rejection_begins_a_new_count() -> None:
    """After a rejection the automatic edits are counted from nought; a human's are not counted."""
    spent: list[Entry] = [*DESIGN, INVALID, *ROUND, *ROUND]
    assert automatic_edits(history(*spent)) == 2
    assert next_step(history(*spent), wants_review=True, max_edit_rounds=2) is Step.HUMAN_REVIEW
    again: list[Entry] = [*spent, REJECTED, BY_HUMAN, RoadmapStep.ROADMAP_EDIT, INVALID]
    assert automatic_edits(history(*again)) == 0
    found = next_step(history(*again), wants_review=True, max_edit_rounds=2)
    assert found is RoadmapStep.EDIT_PLAN_ANALYSIS
    assert automatic_edits(history(*again, *ROUND)) == 1


@given(
    st.lists(st.sampled_from([VALID, INVALID]), min_size=40, max_size=40),
    st.lists(st.sampled_from([APPROVED, REJECTED, EDITED]), max_size=5),
    st.integers(0, 4),
)
def test_every_way_ends(
    verdicts: list[Entry],
    decisions: list[Entry],
    limit: int,
) -> None:
    """Whatever checks and reviewers say, a way leads to the contents, and never repeats a round."""
    done: list[Entry] = []
    left = [*decisions, APPROVED]
    for _ in range(200):
        step = next_step(history(*done), wants_review=True, max_edit_rounds=limit)
        if step is RoadmapStep.CONTENT_GENERATION:
            break
        if step is RoadmapStep.STRUCTURE_VALIDATION:
            done.append(verdicts.pop() if verdicts else VALID)
        elif step is Step.HUMAN_REVIEW:
            done.append(left.pop(0))
        elif step is RoadmapStep.EDIT_PLAN_ANALYSIS:
            done.append(BY_HUMAN if done[-1] is REJECTED else BY_CHECKS)
        else:
            done.append(step)
    else:
        raise AssertionError("it never came to the contents")
    assert automatic_edits(history(*done)) <= limit


def test_rounds_and_outputs() -> None:
    """Rounds count from 1, and the last output of a step is the one that holds."""
    done = history(*DESIGN, INVALID, *ROUND)
    assert round_of(done, RoadmapStep.STRUCTURE_VALIDATION) == 3
    assert round_of(done, Step.HUMAN_REVIEW) == 1
    assert last_output(done, RoadmapStep.EDIT_PLAN_ANALYSIS) == {"source": "structure_validation"}
    assert last_output(done, Step.HUMAN_REVIEW) is None
