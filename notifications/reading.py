"""Reading what another version wrote: nothing is refused for being new.

Writers are strict (`notifications.events` forbids what it does not know), readers are not: fields
they do not know pass through, and so do events whose type they do not know. So publishers and
readers are deployed in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, TypeAdapter

from notifications.events import EventType, StreamEvent, TransientType

if TYPE_CHECKING:
    from notifications.events import BaseEvent, ContentDelta

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


def open_schema(model: Any, *, ref_template: str = "#/$defs/{model}") -> dict[str, Any]:
    """Return a model's JSON Schema as readers may rely on it: further fields may come."""
    schema = TypeAdapter(model).json_schema(ref_template=ref_template)
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("additionalProperties", None)
    return schema
