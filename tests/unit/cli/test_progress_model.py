"""Folding events into what is shown."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.live import LiveView, range_text
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


def test_who_has_begun_waits_no_longer() -> None:
    """What the API said last of the line is over when a step begins, before it is asked again."""
    model = ProgressModel(TASK)
    model.take({"line": {"message": "It is next."}})
    assert model.waits_for == "It is next."
    model.apply(event(1, "step_started", step="intent_analysis", round=1))
    assert model.waits_for == ""


def test_a_second_round_is_a_line_of_its_own() -> None:
    """A step that runs again is shown again by its workflow's name for it, with its round."""
    model = ProgressModel(TASK, titles={"structure_validation": "Check the structure"})
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
    assert next(iter(model.failures.values())).title == "Ownership"
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
def test_no_rate_without_evidence(count: int) -> None:
    """Below five contents, or when they came in one group, no rate is told."""
    assert written(count, total=90, every_s=2.0).rate_per_min() is None
    assert written(20, total=90, every_s=0.001).rate_per_min() is None
    assert written(10, total=90, every_s=2.0).rate_per_min() == pytest.approx(30)


SAME = json.loads(Path(__file__).with_name("said_alike.json").read_text())


@pytest.mark.parametrize(("low_s", "high_s", "text"), SAME["ranges"])
def test_a_range_is_said_in_one_unit(low_s: float, high_s: float, text: str) -> None:
    """The unit fits the upper end; the pages say the same."""
    assert range_text(TimeLeft(low_s, high_s)) == text


@pytest.mark.parametrize(("seconds", "text"), SAME["durations"])
def test_durations_are_said_as_people_do(seconds: float, text: str) -> None:
    """As many digits as somebody wants to know; the pages say the same."""
    assert duration(seconds) == text


def drawn(model: ProgressModel) -> str:
    """Return what the live view shows of it."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    console.print(LiveView(console, model)._draw())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_time_left_is_what_the_api_says() -> None:
    """While a worker works the API's range is shown; else, instead of it, what is waited for."""
    model = written(10, total=90, every_s=2.0)
    assert "left" not in drawn(model)
    model.take({"time_left_s": {"p50": 150.0, "p90": 200.0}, "line": None})
    assert "2-4 min left" in drawn(model)
    model.take({"time_left_s": None, "line": {"message": "Its worker is lost."}})
    assert "left" not in drawn(model)
    assert "It waits. Its worker is lost." in drawn(model)
    model.take({"time_left_s": {"p50": 150.0, "p90": 200.0}, "line": None})
    assert "It waits" not in drawn(model)


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
