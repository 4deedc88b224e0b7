"""Makes the JSON Schema that a provider is asked to follow from a pydantic model.

OpenAI's strict mode wants every property required and `additionalProperties: false`, and answers
400 to keywords outside its subset: numeric and array bounds are in it, the lengths of strings are
not (https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas"). So lengths
are said in the description, where any model reads them. Simple servers follow no `$ref`, so
definitions are inlined, but for those that hold themselves.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pydantic import BaseModel

_NOISE: Final = ("title", "default", "minLength", "maxLength", "$defs", "discriminator")
_KEPT: Final = ("type", "properties", "required", "items", "enum")
_MOST_CHOICES: Final = 20


@cache
def strict_schema(output: type[BaseModel]) -> dict[str, Any]:
    """Return the strict, self-contained JSON Schema of an output. Treat it as read-only."""
    schema = output.model_json_schema()
    if "$ref" in schema:  # the output holds itself
        own = schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
        schema = {**own, "$defs": schema["$defs"]}
    schema.pop("description", None)
    endless: dict[str, Any] = {}
    plain: dict[str, Any] = _plain(schema, schema.get("$defs", {}), (), endless)
    return {**plain, "$defs": endless} if endless else plain


def _plain(
    node: Any, definitions: dict[str, Any], inside: tuple[str, ...], endless: dict[str, Any]
) -> Any:
    """Return a node without references and noise.

    Args:
        node: A part of the schema.
        definitions: What references name.
        inside: The definitions that the node stands in.
        endless: Takes the definitions that hold themselves: only these stay references.
    """
    if isinstance(node, list):
        return [_plain(part, definitions, inside, endless) for part in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        if name in inside:
            if name not in endless:
                endless[name] = {}
                endless[name] = _plain(definitions[name], definitions, (name,), endless)
            return {"$ref": f"#/$defs/{name}"}
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _plain({**definitions[name], **beside}, definitions, (*inside, name), endless)
    plain = {
        "anyOf" if key == "oneOf" else key: _plain(value, definitions, inside, endless)
        for key, value in node.items()
        if key not in _NOISE and key != "properties"
    }
    if (lengths := _lengths(node)) is not None:
        plain["description"] = f"{node.get('description', '')} ({lengths})".strip()
    if "properties" in node:
        # Property names are the model's fields: `title` among them is no noise.
        plain["properties"] = {
            name: _plain(value, definitions, inside, endless)
            for name, value in node["properties"].items()
        }
        plain["required"] = list(plain["properties"])
        plain["additionalProperties"] = False
    return plain


def _lengths(node: dict[str, Any]) -> str | None:
    least, most = node.get("minLength"), node.get("maxLength")
    if least and most:
        return f"{least} to {most} characters"
    if most:
        return f"at most {most} characters"
    return f"at least {least} characters" if least else None


def simple_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a simpler schema, with nothing in it that a server's grammar may choke on.

    Types, properties, what is required, and short enumerations stay; bounds, lengths, patterns,
    formats, `const` and `additionalProperties` go. So all that fits the given one fits it, too;
    what the answer must fit beyond that stands in the prompt, and is checked when it is there.
    """
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
