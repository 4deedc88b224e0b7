"""How far a task is."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.states import Status, Step
from roadmaps.steps.names import STAGES, RoadmapStep

PAIRS = [(status, step) for status in Status for step in sorted(STAGES.legal_steps(status))]
percent = STAGES.percent


@given(st.sampled_from(PAIRS), st.integers(0, 600), st.integers(0, 600))
def test_bounds(pair: tuple[Status, str], one: int, other: int) -> None:
    """It lies between 0 and 100 with one decimal, and is 100 at `completed` only."""
    done, total = sorted((one, other))
    value = percent(*pair, done=done, total=total)
    assert 0 <= value <= 100
    assert value == round(value, 1)
    assert (value == 100) is (pair[0] is Status.COMPLETED)


def test_rises_along_the_steps() -> None:
    """Along the usual way it never falls, the first content included."""
    way = [
        Step.QUEUED,
        RoadmapStep.INTENT_ANALYSIS,
        RoadmapStep.CURRICULUM_DESIGN,
        RoadmapStep.STRUCTURE_VALIDATION,
        RoadmapStep.EDIT_PLAN_ANALYSIS,
        RoadmapStep.ROADMAP_EDIT,
        Step.HUMAN_REVIEW,
        RoadmapStep.CONTENT_GENERATION,
    ]
    values = [percent(Status.PROCESSING, step, done=0, total=90) for step in way]
    assert all(before < after for before, after in itertools.pairwise(values))


@pytest.mark.parametrize(
    ("done", "total", "expected"), [(0, 90, 10.0), (45, 90, 55.0), (89, 90, 99.0), (90, 90, 99.9)]
)
def test_contents(done: int, total: int, expected: float) -> None:
    """Contents that are done count, never those that were started."""
    assert (
        percent(Status.PROCESSING, RoadmapStep.CONTENT_GENERATION, done=done, total=total)
        == expected
    )
