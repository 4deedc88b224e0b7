"""Where a task's time went, read from its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from cli.timeline import Timeline, show_timeline

if TYPE_CHECKING:
    import pytest

    from cli.client import Client


def _events(*told: tuple[float, str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"type": kind, "at": f"2026-11-22T10:00:{at:06.3f}Z", "data": data}
        for at, kind, data in told
    ]


def _step(name: str, number: int = 1, worker: str = "w1") -> dict[str, Any]:
    return {"step": name, "round": number, "worker": worker}


def test_steps_gaps_reviews_losses_and_attempts() -> None:
    """Each stretch has its length, its worker and its outcome; waits are told apart from work."""
    timeline = Timeline()
    timeline.read(
        _events(
            (0, "task_queued", {}),
            (3, "task_started", {}),
            (3, "step_started", _step("intent_analysis")),
            (4, "step_retrying", {}),
            (5, "step_completed", {}),
            (5.1, "step_started", _step("curriculum_design")),
            (9, "task_recovered", {}),
            (9, "step_started", _step("curriculum_design", 1, "w2")),
            (10, "step_completed", {}),
            (10, "review_required", {}),
            (30, "review_decided", {"decision": "approve"}),
            (31, "step_started", _step("content_generation")),
            (32, "content_completed", {}),
            (33, "content_failed", {}),
            (34, "task_partially_failed", {}),
            (40, "task_retried", {}),
            (41, "step_started", _step("content_generation", 1, "w2")),
        )
    )
    found = [(s.kind, s.what, s.attempt, s.worker, s.seconds, s.outcome) for s in timeline.spans]
    assert found == [
        ("wait", "a worker", 1, None, 3.0, "done"),
        ("step", "intent_analysis", 1, "w1", 2.0, "done"),
        ("step", "curriculum_design", 1, "w1", 3.9, "worker lost, or database away"),
        ("step", "curriculum_design", 1, "w2", 1.0, "done"),
        ("review", "review", 1, None, 20.0, "approve"),
        ("wait", "a worker", 1, None, 1.0, "done"),
        ("step", "content_generation", 1, "w1", 3.0, "partly failed"),
        ("wait", "a worker", 2, None, 1.0, "done"),
        ("step", "content_generation", 2, "w2", None, None),
    ]
    assert timeline.spans[1].retries == 1
    assert (timeline.spans[6].contents, timeline.spans[6].failed) == (1, 1)


def test_a_pause_between_steps_is_a_wait() -> None:
    """A drained worker leaves a gap without an event; it shows."""
    timeline = Timeline()
    timeline.read(
        _events(
            (0, "task_queued", {}),
            (0, "step_started", _step("intent_analysis")),
            (1, "step_completed", {}),
            (9, "step_started", _step("curriculum_design")),
        )
    )
    gap = timeline.spans[2]
    assert (gap.kind, gap.seconds, gap.outcome) == ("wait", 8.0, "done")


def test_nothing_is_cut_off_in_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In 80 columns long outcomes are broken at words; no digit is lost."""
    monkeypatch.setenv("COLUMNS", "80")
    events = _events(
        (0, "task_queued", {}),
        (1, "step_started", _step("structure_validation", worker="worker1@vm")),
        (2, "step_started", _step("content_generation", worker="worker1@vm")),
        *((2, "content_completed", {}) for _ in range(30)),
        (50, "task_recovered", {}),
    )
    show_timeline(cast("Client", _Log(events)), "task")
    words = capsys.readouterr().out.split()
    assert " ".join(words[-7:]) == "worker lost, or database away, 30 written"


class _Log:
    """A client that knows one page of events."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self._events = events

    def events(self, _task_id: str, *, after: int) -> dict[str, Any]:
        return {"events": self._events[after:], "next_after": len(self._events)}
