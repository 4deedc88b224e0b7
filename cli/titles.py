"""What people call a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def title_of(task: Mapping[str, Any]) -> str:
    """Return a task's title as the API tells it; an older API tells only the goal."""
    title = str(task.get("title") or task["goal"])
    return title if title.strip() else "(no goal)"
