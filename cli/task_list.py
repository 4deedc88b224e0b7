"""`roadmap list`: tasks as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cli.moments import local, moment
from cli.outline_view import tree_console
from cli.tables import Column, Kind, print_table

if TYPE_CHECKING:
    from collections.abc import Iterable

_COLUMNS: Final = (
    Column(name="task", kind=Kind.ID),
    Column(name="status"),
    Column(name="progress", right=True),
    Column(name="created"),
    Column(name="goal", kind=Kind.TEXT),
)


def print_tasks(tasks: Iterable[dict[str, Any]]) -> None:
    """Print a page of tasks."""
    print_table(tree_console(), _COLUMNS, [_cells(task) for task in tasks])


def _cells(task: dict[str, Any]) -> tuple[str, ...]:
    progress = task["progress"]
    done = f"{progress['done']}/{progress['total']}" if progress["total"] else "-"
    return task["task_id"], _status(task), done, moment(task["created_at"]), task["goal"]


def _status(task: dict[str, Any]) -> str:
    starts_at = task.get("starts_at")
    if task["status"] != "pending" or starts_at is None or local(starts_at) <= datetime.now(UTC):
        return str(task["status"])
    return f"waiting until {moment(starts_at)}"
