"""A schema with nothing in it that a server's grammar may choke on.

Types, properties, what is required, and short enumerations stay; bounds, lengths, patterns,
formats, `const` and `additionalProperties` go. What the answer must fit beyond that stands in the
prompt, and is checked when the answer is there.
"""

from __future__ import annotations

from typing import Any, Final

_KEPT: Final = ("type", "properties", "required", "items", "enum")
_MOST_CHOICES: Final = 20


def simple_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a simpler schema that everything which fits the given one fits, too."""
    if choices := schema.get("anyOf"):
        return {"anyOf": [simple_schema(part) for part in choices]}
    simple: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    if isinstance(schema.get("const"), str):
        simple = {"type": "string", "enum": [schema["const"]]}
    if len(simple.get("enum", ())) > _MOST_CHOICES:
        del simple["enum"]
    if "properties" in simple:
        simple["properties"] = {
            name: simple_schema(part) for name, part in simple["properties"].items()
        }
    if "items" in simple:
        simple["items"] = simple_schema(simple["items"])
    return simple
