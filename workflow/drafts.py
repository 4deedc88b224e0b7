"""Drafts of events: a type, a sentence for people, and data in the type's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db.facts import EventDraft
from db.recorder import COMMITTED
from notifications.events import Empty, EventType, Frozen

if TYPE_CHECKING:
    from core.errors import AppError
    from core.usage import Usage

_NOTHING = Empty()
for _type in EventType:
    COMMITTED.labels(_type)  # at 0, or Prometheus sees no increase when it first happens


def draft(type_: EventType, message: str, data: Frozen = _NOTHING) -> EventDraft:
    """Return an event to be committed with its fact."""
    return EventDraft(type=type_, message=message, data=data.model_dump(mode="json"))


def spent_data(usage: Usage) -> dict[str, Any]:
    """Return a usage as the fields of an event's data."""
    columns = usage.columns()
    if usage.cost is not None:
        columns["cost"] = float(usage.cost)
    return columns


def stored_error(error: AppError) -> dict[str, str]:
    """Return an error as it is stored: what everybody may see of it, and `trace` for admins."""
    trace = error.details.get("trace")
    told = {"code": error.code, "message": error.message}
    return {**told, "trace": trace} if trace else told


def spoken(step: str) -> str:
    """Return a step's name as people say it."""
    return step.replace("_", " ")


def counted(number: int, noun: str) -> str:
    """Return `1 part`, `2 parts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
