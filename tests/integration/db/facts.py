"""Facts for tests of what becomes of many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.ids import new_id
from db.facts import EventDraft, Fact, Insert
from workflow.outcomes import NOTIFICATIONS

if TYPE_CHECKING:
    from uuid import UUID

    from db.facts import RowWrite


def told(task: UUID, number: int = 0, *rows: RowWrite, **fields: Any) -> Fact:
    """Return a fact with one event that has a number."""
    event = EventDraft(type="step_started", message=f"fact {number}", data={"number": number})
    return Fact(task_id=task, events=(event,), rows=rows, **fields)


def note(task: UUID, **fields: Any) -> Insert:
    """Return an entry for an inbox."""
    values = {
        "notification_id": new_id(),
        "user_id": "alice",
        "task_id": task,
        "kind": "task_completed",
        "message": "m",
    }
    return Insert(NOTIFICATIONS, values | fields)
