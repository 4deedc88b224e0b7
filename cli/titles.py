"""What people call a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def title_of(task: Mapping[str, Any]) -> str:
    """Return the goal in its asker's words; where none was named, what the API calls the task."""
    goal = str(task["goal"])
    return goal if goal.strip() else str(task.get("title") or "").strip() or "(no goal)"
