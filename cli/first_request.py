"""A first request of a workflow, made up from its model: what the reader of a hint can paste."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflow.definition import Definition

_TEXT: Final = "Kites"
_TOLD: Final = ("examples", "enum")


def first_request(definition: Definition) -> dict[str, Any] | None:
    """Return a small request that the workflow takes; None when its model wants to know more."""
    schema = definition.describe().request_schema
    fields = schema.get("properties") or {}
    request = {name: _value(fields.get(name) or {}) for name in schema.get("required") or ()}
    try:
        definition.request.model_validate(request)
    except ValidationError:
        return None
    return request


def _value(schema: Mapping[str, Any]) -> Any:
    for name in _TOLD:
        if schema.get(name):
            return schema[name][0]
    match schema.get("type"):
        case "string":
            return _TEXT
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "array":
            number = int(schema.get("minItems", 1))
            return [_value(schema.get("items") or {})] * number
    return None
