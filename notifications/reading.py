"""Reading what another version wrote: nothing is refused for being new.

Writers are strict (`notifications.events` forbids what it does not know), readers are not: fields
they do not know pass through, and so do events whose type they do not know. So publishers and
readers are deployed in any order.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, TypeAdapter

from notifications.events import EventType, StreamEvent, TransientType

if TYPE_CHECKING:
    from notifications.events import BaseEvent, ContentDelta

LARGEST_COPY: Final = 256 * 1024
"""Bytes; events have a few hundred, streamed text some thousands."""
_WORD: Final = re.compile(r"[a-z][a-z_]{0,63}")
_KNOWN: Final = frozenset({*EventType, *TransientType})
_events: Final[TypeAdapter[Any]] = TypeAdapter(StreamEvent)


class UnknownEvent(BaseModel):
    """An event of a type that this version does not know; all of it is kept.

    With a `seq` it is committed and counts like any other, without one it is transient.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    task_id: UUID
    seq: int | None = None


def read_event(data: Any) -> BaseEvent | ContentDelta | UnknownEvent:
    """Return an event of this or another version; fields not known are in `model_extra`.

    Raises:
        ValidationError: It is no event: a field that it must have is missing or wrong.
    """
    if isinstance(data, dict) and isinstance(data.get("type"), str) and data["type"] not in _KNOWN:
        return UnknownEvent.model_validate(data)
    event: BaseEvent | ContentDelta = _events.validate_python(data, extra="allow")
    return event


def read_copy(message: bytes, *, task_id: UUID) -> dict[str, Any] | None:
    """Return the copy of a task's event that Redis carried, None for anything else.

    Whoever can publish there may have written it. So what readers rely on is checked: a type that
    is a word, a number and a time if it is a committed one, and that it is about this task.
    """
    if len(message) > LARGEST_COPY:
        return None
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(event, dict) or event.get("task_id", str(task_id)) != str(task_id):
        return None
    kind = event.get("type")
    if not isinstance(kind, str) or not _WORD.fullmatch(kind):
        return None
    return event if "seq" not in event or _committed(event) else None


def _committed(event: dict[str, Any]) -> bool:
    number, at = event["seq"], event.get("at")
    if type(number) is not int or number < 1 or not isinstance(at, str):
        return False
    try:
        return datetime.fromisoformat(at).tzinfo is not None
    except ValueError:
        return False


def open_schema(model: Any, *, ref_template: str = "#/$defs/{model}") -> dict[str, Any]:
    """Return a model's JSON Schema as readers may rely on it: further fields may come."""
    schema = TypeAdapter(model).json_schema(ref_template=ref_template)
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("additionalProperties", None)
    return schema
