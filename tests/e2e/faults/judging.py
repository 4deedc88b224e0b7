"""Judges a task by its rows and by the ledger of model calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from roadmaps.kinds import KINDS

_SENT_TERMINAL: Final = tuple(
    f"task_{name}" for name in ("completed", "partially_failed", "failed", "cancelled")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """All that PostgreSQL tells of a task, to compare one moment with another."""

    row: dict[str, Any]
    events: tuple[str, ...]
    contents: tuple[tuple[Any, ...], ...]
    checkpoints: tuple[str, ...]

    @property
    def pair(self) -> tuple[str, str]:
        """Status and current step."""
        return self.row["status"], self.row["current_step"]


def plain_calls(topic: str, *, concepts: int = 2) -> Counter[str]:
    """Return the calls of a task without review, each to be answered once."""
    return Counter(
        ["intent_analysis", "curriculum_design", "structure_validation"]
        + [f"{kind} of {topic} 1.1.{number}" for number in range(1, concepts + 1) for kind in KINDS]
    )


def edited_calls(topic: str, wish: str, *, concepts: int = 2) -> Counter[str]:
    """Return the calls of a task whose review was rejected once: it is planned, edited, checked."""
    more = ["edit_plan_analysis", "roadmap_edit", "structure_validation"]
    more += [f"{kind} of Wish: {wish}" for kind in KINDS]
    return plain_calls(topic, concepts=concepts) + Counter(more)


def check_completed(seen: Seen, *, contents: int) -> None:
    """Check that a completed task's row, events, checkpoints and contents tell the same story."""
    goal = seen.row["goal"]
    assert seen.pair == ("completed", "completed"), f"{goal}: {seen.pair}, {seen.row['error']}"
    assert (seen.row["done"], seen.row["total"], seen.row["percent"]) == (contents, contents, 100)
    counts = Counter(seen.events)
    ends = [name for name in seen.events if name in _SENT_TERMINAL]
    assert ends == ["task_completed"], f"{goal} ended by {ends}"
    assert seen.events[-1] == "task_completed", f"{goal}: events after the end, {seen.events[-3:]}"
    assert counts["task_started"] == 1, f"{goal}: {counts['task_started']} times task_started"
    assert counts["content_completed"] == contents, f"{goal}: {counts}"
    told = counts["step_completed"] + counts["review_decided"]
    assert told == len(seen.checkpoints), f"{goal}: {counts} against {seen.checkpoints}"
    assert len(seen.contents) == contents, f"{goal}: {seen.contents}"
    wrong = [content for content in seen.contents if content[2:4] != (1, "completed")]
    assert not wrong, f"{goal}: contents that are not version 1 and completed: {wrong}"
