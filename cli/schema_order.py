"""The fields of a value in the order in which its author wrote them: the store keeps none. Pure."""

from __future__ import annotations

from typing import Any, Final

_DEEPEST: Final = 40


def in_order(value: Any, schema: dict[str, Any] | None) -> Any:
    """Return a value whose objects have their fields in the order of its JSON Schema.

    Args:
        value: What JSON can hold; fields that the schema does not know stand last.
        schema: Its JSON Schema, or None where there is none.
    """
    return _ordered(value, schema or {}, schema or {}, 0)


def _ordered(value: Any, schema: Any, root: dict[str, Any], depth: int) -> Any:
    if depth > _DEEPEST or not isinstance(value, dict | list):
        return value
    shape = _shape(schema, value, root)
    if isinstance(value, list):
        items = shape.get("items")
        first = shape.get("prefixItems") or []
        return [
            _ordered(each, first[at] if at < len(first) else items, root, depth + 1)
            for at, each in enumerate(value)
        ]
    known = shape.get("properties") or {}
    names = [name for name in known if name in value]
    names += [name for name in value if name not in known]
    rest = shape.get("additionalProperties")
    return {name: _ordered(value[name], known.get(name, rest), root, depth + 1) for name in names}


def _shape(schema: Any, value: dict[str, Any] | list[Any], root: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the shape that a value has, where several are possible."""
    found = _resolved(schema, root)
    for several in ("anyOf", "oneOf", "allOf"):
        if isinstance(options := found.get(several), list) and options:
            return max(
                (_shape(each, value, root) for each in options),
                key=lambda each: _likeness(each, value),
            )
    return found


def _likeness(shape: dict[str, Any], value: dict[str, Any] | list[Any]) -> float:
    if isinstance(value, list):
        return shape.get("type") == "array"
    known = shape.get("properties") or {}
    told = sum(
        1 if value[name] == field["const"] else -1
        for name, field in known.items()
        if isinstance(field, dict) and "const" in field and name in value
    )
    same = len(known.keys() & value.keys()) / (len(known.keys() | value.keys()) or 1)
    return (shape.get("type") == "object") + same + 2 * told


def _resolved(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    found: Any = schema
    for _ in range(_DEEPEST):
        if not isinstance(found, dict):
            break
        if not str(found.get("$ref", "")).startswith("#/"):
            return dict(found)
        words = found["$ref"][2:].split("/")
        found = root
        for word in words:
            name = word.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
    return {}
