"""Folding events into what is shown."""

from __future__ import annotations

from typing import Any

import pytest

from cli.live import range_text
from cli.moments import duration
from cli.progress_model import ProgressModel, State, TimeLeft

TASK = "01990000-0000-7000-8000-000000000000"


def event(seq: int, type_: str, /, *, second: float = 0.0, **data: Any) -> dict[str, Any]:
    """Return an event with its progress taken from `done` and `total`."""
    done, total = data.pop("done", 0), data.pop("total", 0)
    return {
        "seq": seq,
        "task_id": TASK,
        "type": type_,
        "at": f"2026-11-22T10:{int(second // 60):02d}:{second % 60:06.3f}+00:00",
        "status": data.pop("status", "processing"),
        "current_step": "content_generation",
        "message": f"{type_} {seq}",
        "progress": {"done": done, "total": total, "percent": 1.0},
        "data": data,
    }


def written(count: int, *, total: int, every_s: float) -> ProgressModel:
    """Return a model in which `count` contents ended, one each `every_s` seconds."""
    model = ProgressModel(TASK)
    model.apply(event(1, "step_started", step="content_generation", round=1, total=total))
    for number in range(count):
        model.apply(
            event(
                number + 2,
                "content_completed",
                second=number * every_s,
                concept_id=f"c{number}",
                kind="quiz",
                done=number + 1,
                total=total,
            )
        )
    return model


def test_a_step_is_running_until_it_is_completed() -> None:
    """A started step is the running line; its completion brings mark and duration."""
    model = ProgressModel(TASK)
    model.apply(event(1, "step_started", step="intent_analysis", round=1))
    assert model.running is not None
    assert model.running.state is State.RUNNING
    model.apply(
        event(2, "step_completed", step="intent_analysis", round=1, duration_s=1.5, issues=[])
    )
    assert model.running is None
    assert model.steps[0].state is State.DONE
    assert model.steps[0].duration_s == 1.5


def test_a_second_round_is_a_line_of_its_own() -> None:
    """A step that runs again is shown again, with its round."""
    model = ProgressModel(TASK)
    for number in (1, 2):
        model.apply(event(number, "step_started", step="structure_validation", round=number))
        model.apply(event(number, "step_completed", step="structure_validation", issues=["a", "b"]))
    assert [line.title for line in model.steps] == [
        "Check the structure",
        "Check the structure (2)",
    ]
    assert model.steps[0].detail == "2 to mend"


def test_a_review_waits_until_it_is_decided() -> None:
    """A required review is an open question; a decision closes it and says by whom."""
    model = ProgressModel(TASK)
    model.apply(event(1, "review_required", review_id="r", roadmap_id="m", round=1))
    assert model.review is not None
    assert model.roadmap_id == "m"
    assert model.running is not None
    assert model.running.state is State.WAITING
    model.apply(event(2, "review_decided", second=4, decision="approve", decided_by="alice"))
    assert model.review is None
    assert model.steps[0].detail == "approve by alice"
    assert model.steps[0].duration_s == 4.0


def test_a_failed_content_is_counted_until_it_is_written() -> None:
    """A content that failed and was then written is no failure any more."""
    model = ProgressModel(TASK)
    failure: dict[str, Any] = {
        "concept_id": "c",
        "concept_title": "Ownership",
        "kind": "quiz",
        "code": "refused",
    }
    model.apply(event(1, "content_failed", **failure, error="no", total=3))
    assert model.failed == 1
    assert next(iter(model.failures.values())).concept == "Ownership"
    model.apply(event(2, "content_completed", concept_id="c", kind="quiz", done=1, total=3))
    assert model.failed == 0


def test_a_retry_clears_the_outcome_and_the_failures() -> None:
    """After a retry the task is under way again, with a clean slate."""
    model = ProgressModel(TASK)
    model.apply(event(1, "content_failed", concept_id="c", kind="quiz", code="x", error="y"))
    model.apply(event(2, "task_partially_failed", status="partial_failure"))
    assert model.outcome == "task_partially_failed"
    model.apply(event(3, "task_retried", attempt=2, contents=1))
    assert model.outcome is None
    assert model.failed == 0
    assert model.attempt == 2


def test_a_failure_marks_the_running_step() -> None:
    """A failed task leaves a cross at the step it failed at, and the reason."""
    model = ProgressModel(TASK)
    model.apply(event(1, "step_started", step="curriculum_design", round=1))
    model.apply(event(2, "task_failed", code="provider_unauthorized", error="no", status="failed"))
    assert model.steps[0].state is State.FAILED
    assert model.error is not None
    assert model.error["code"] == "provider_unauthorized"


@pytest.mark.parametrize("count", [1, 4])
def test_no_time_is_guessed_without_evidence(count: int) -> None:
    """Below five contents there is neither a rate nor a time left."""
    model = written(count, total=90, every_s=2.0)
    assert model.time_left() is None
    assert model.rate_per_min() is None


def test_no_time_is_guessed_from_one_group() -> None:
    """Contents that were committed together say nothing about the pace."""
    assert written(20, total=90, every_s=0.001).time_left() is None


def test_the_range_holds_the_steady_rate() -> None:
    """At one content each two seconds, 80 of them take 160 s, within the range."""
    left = written(10, total=90, every_s=2.0).time_left()
    assert left is not None
    assert left.low_s < 160 < left.high_s
    assert left.high_s < 2 * left.low_s


def test_the_range_widens_when_the_pace_changes() -> None:
    """After a slow-down the range spans the old pace and the new one."""
    model = written(30, total=90, every_s=0.5)
    steady = model.time_left()
    for number in range(12):
        model.apply(
            event(
                40 + number,
                "content_completed",
                second=20 + number * 4.0,
                concept_id=f"s{number}",
                kind="quiz",
                done=31 + number,
                total=90,
            )
        )
    slower = model.time_left()
    assert steady is not None
    assert slower is not None
    assert slower.high_s / slower.low_s > steady.high_s / steady.low_s


def test_silence_makes_the_guess_worse() -> None:
    """A minute without an event moves the upper end up."""
    model = written(10, total=90, every_s=2.0)
    now, later = model.time_left(), model.time_left(idle_s=60)
    assert now is not None
    assert later is not None
    assert later.high_s > now.high_s


def test_nothing_is_left_at_the_end() -> None:
    """When everything ended, well or badly, no time is left."""
    assert written(10, total=10, every_s=2.0).time_left() is None


@pytest.mark.parametrize(
    ("low_s", "high_s", "text"),
    [(8, 14, "8-14 s"), (90, 200, "1-4 min"), (30, 150, "up to 3 min"), (3700, 8000, "1-3 h")],
)
def test_a_range_is_said_in_one_unit(low_s: float, high_s: float, text: str) -> None:
    """The unit fits the upper end."""
    assert range_text(TimeLeft(low_s, high_s)) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.25, "1.2 s"), (75, "1 min 15 s"), (3720, "1 h 02 min")]
)
def test_durations_are_said_as_people_do(seconds: float, text: str) -> None:
    """Seconds below a minute, then minutes, then hours."""
    assert duration(seconds) == text


def test_what_the_api_tells_goes_first() -> None:
    """The range from how long others took is shown instead of one's own guess, and runs down."""
    model = ProgressModel("t", total=90, done=10, told_left=TimeLeft(60.0, 120.0))
    assert model.time_left(idle_s=10.0) == TimeLeft(50.0, 110.0)
    model.done = 90
    assert model.time_left() is None


def test_a_step_that_begins_again_was_lost() -> None:
    """The first run of a step whose worker went is marked as lost, the second one as done."""
    model = ProgressModel(TASK)
    for seq in (1, 2):
        model.apply(event(seq, "step_started", step="content_generation", round=1))
    model.apply(
        event(3, "step_completed", step="content_generation", round=1, duration_s=1.0, issues=[])
    )
    assert [line.state for line in model.steps] == [State.LOST, State.DONE]
    assert model.steps[0].detail == "worker lost or stopped"
