"""What the API and its events say, as the clients' types need it: one JSON Schema for each shape.

The API's OpenAPI document and the schema of events are the source. Here shapes get the names that
programs import, an event is one shape instead of one for each type, and limits that only a server
checks are left out: a later server may have others.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from notifications.events import StreamEvent
from notifications.reading import open_schema

Schema: TypeAlias = dict[str, Any]

RENAMED: Final = {
    "Concept": "ConceptPage",
    "ConceptView": "Concept",
    "EventList": "EventPage",
    "Notifications": "InboxPage",
    "PartList": "PartPage",
    "StepName": "Step",
    "StepView": "WorkflowStep",
    "TaskList": "TaskPage",
    "WorkflowList": "WorkflowPage",
}
"""Names that differ by more than their ending `View`."""
EXTENDED: Final = {"ConceptPage": "Concept", "PartBody": "Part"}
"""Shapes that are another one, and more."""
PATHS_BY_NAME: Final = {"TaskLinks"}
"""Shapes that programs look things up in, by a name that may be a variable."""
OF_SERVERS: Final = {"title", "examples", "discriminator", "additionalProperties", "propertyNames"}
LIMITS: Final = {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern"}
_REFERENCE: Final = "#/components/schemas/"


def all_shapes(openapi: Schema) -> dict[str, Schema]:
    """Return every shape of the API's document and of its streams, by the clients' names."""
    stream = open_schema(StreamEvent, ref_template=_REFERENCE + "{model}")
    schemas: dict[str, Schema] = stream["$defs"] | openapi["components"]["schemas"]
    found: dict[str, Schema] = {}
    for name, schema in schemas.items():
        plain = _paths() if name in PATHS_BY_NAME else _plain(schema)
        if found.setdefault(client_name(name), plain) != plain:
            raise ValueError(f"{name}: two different shapes would be called {client_name(name)}")
    for name, base in EXTENDED.items():
        found[name] = _extending(found[name], base, found[base])
    return found


def client_name(name: str) -> str:
    """Return what clients call a shape of the API."""
    return RENAMED.get(name, name.removesuffix("View"))


def used_by(roots: list[str], shapes: dict[str, Schema]) -> dict[str, Schema]:
    """Return the roots and whatever they are made of, in alphabetical order."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += references(shapes[name])
    return {name: shapes[name] for name in sorted(found)}


def references(schema: Any) -> list[str]:
    """Return the names of the shapes that a schema mentions."""
    if isinstance(schema, dict):
        here = [named(schema)] if "$ref" in schema else []
        return here + [name for part in schema.values() for name in references(part)]
    if isinstance(schema, list):
        return [name for part in schema for name in references(part)]
    return []


def named(schema: Schema) -> str:
    """Return the name that a reference leads to."""
    return str(schema["$ref"]).rsplit("/", 1)[1]


def reference(name: str) -> Schema:
    """Return a reference to a shape."""
    return {"$ref": f"#/$defs/{name}"}


def list_of(name: str) -> Schema:
    """Return a list of a shape."""
    return {"type": "array", "items": reference(name)}


def one_of(variants: list[Schema]) -> Schema:
    """Return one shape for several: of a field that differs, what its variants have in common.

    What some do not have is null there; a text is empty.
    """
    names = dict.fromkeys(name for variant in variants for name in variant["properties"])
    fields: dict[str, Schema] = {}
    for name in names:
        found = [v["properties"][name] for v in variants if name in v["properties"]]
        field = found[0] if all(f == found[0] for f in found) else _common(found)
        everywhere = len(found) == len(variants) or field == {"type": "string"}
        fields[name] = field if everywhere else {"anyOf": [field, {"type": "null"}]}
    needed = [n for n in names if all(n in variant["required"] for variant in variants)]
    return {"type": "object", "properties": fields, "required": needed}


def events(shapes: dict[str, Schema]) -> list[Schema]:
    """Return the shapes of all committed events."""
    return [shapes[named(variant)] for variant in shapes["TaskEvent"]["oneOf"]]


def nullable(schema: Schema) -> bool:
    """Tell whether null is a value of a schema."""
    return any(part.get("type") == "null" for part in schema.get("anyOf", ()))


def _common(found: list[Schema]) -> Schema:
    if all("const" in field for field in found):
        return {"type": "string", "enum": [field["const"] for field in found]}
    return {"type": "object", "additionalProperties": True}


def _paths() -> Schema:
    value = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    return {"type": "object", "description": "Paths on the server.", "additionalProperties": value}


def _extending(schema: Schema, base: str, inherited: Schema) -> Schema:
    known = inherited["properties"]
    own = {n: field for n, field in schema["properties"].items() if field != known.get(n)}
    if gone := known.keys() - schema["properties"].keys():
        raise ValueError(f"What extends {base} must have {gone}")
    needed = [name for name in schema["required"] if name in own]
    return schema | {"allOf": [reference(base)], "properties": own, "required": needed}


def _plain(schema: Any) -> Any:
    """Return a schema without what only servers check, references leading to clients' names."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return reference(client_name(named(schema))) | _plain(rest)
    plain: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            plain[key] = {name: _plain(field) for name, field in value.items()}
        elif key == "description":
            plain[key] = re.sub(r"\s+", " ", value)
        elif key == "additionalProperties":
            if value is not False and "properties" not in schema:
                plain[key] = _plain(value)
        elif key not in OF_SERVERS | LIMITS:
            plain[key] = _plain(value)
    return plain
