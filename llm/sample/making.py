"""Makes up an answer of any shape, by the shape's JSON Schema alone.

For workflows that bring no samples of their own: every field gets something that could stand
there, texts say that they are samples, and the same call always gives the same answer.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from math import ceil, floor, inf
from random import Random
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from core.provider_errors import ContentInvalidError
from llm.sample.mending import mend
from llm.sample.texts import made_up, one_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llm.calls import T

_VARIANTS: Final = 20
"""Answers that are tried: a shape may want more than its schema says."""

_MENDS: Final = 4
"""Times that one answer is mended, since one error may hide another."""

_DEEPEST: Final = 5
"""Levels after which only what must be there is written; a shape may hold itself."""

_MOST_VALUES: Final = 300
"""Values after which the rest is written as if it were that deep."""

_LIST: Final = (2, 4)
_NUMBER: Final = (1, 10)
_JSON: Final = "application/json"
_ALIKE_TRIES: Final = 30


def answer(output: type[T], *, about: str, seed: str) -> T:
    """Return an answer of a shape.

    Args:
        output: The shape.
        about: What it is about, for its title.
        seed: The same seed gives the same answer.

    Raises:
        ContentInvalidError: The shape wants something that its schema does not say.
    """
    problem = ""
    for variant in range(_VARIANTS):
        value = _Maker(output, about=about, random=Random(f"{variant} {seed}")).answer()  # noqa: S311 - no secret
        for _ in range(_MENDS):
            try:
                return output.model_validate_json(json.dumps(value))
            except ValidationError as error:
                errors = error.errors(include_url=False)
                first = errors[0]
                problem = f"{'.'.join(map(str, first['loc'])) or 'answer'}: {first['msg']}"
                if not mend(value, errors):
                    break
    raise ContentInvalidError(
        f"The sample author cannot make up a {output.__name__} ({problem}): its checks want more"
        " than its JSON Schema says. Say it in the fields, or use a language model."
    )


class _Maker:
    """Makes up one answer."""

    def __init__(self, output: type[T], *, about: str, random: Random) -> None:
        self._schema, self._depths = _schema_of(output)
        self._name = output.__name__
        self._about = about
        self._random = random
        self._made: Counter[str] = Counter()
        """How many of each kind there are: no two titles or keys are alike."""
        self._values = 0

    def answer(self) -> Any:
        return self._value(self._schema, name="answer", owner=words_of(self._name), depth=0)

    def _value(self, node: dict[str, Any], *, name: str, owner: str, depth: int) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            depth = max(depth, _DEEPEST)
        node = self._resolved(node)
        if words := [node["const"]] if "const" in node else node.get("enum"):
            return self._random.choice(words)
        if choices := node.get("anyOf") or node.get("oneOf"):
            node = self._chosen(choices, depth)
            return self._value(node, name=name, owner=owner, depth=depth)
        match node.get("type"):
            case "object":
                return self._object(node, name, owner, depth)
            case "array":
                return self._array(node, name, owner, depth)
            case "integer" | "number":
                return self._number(node)
            case "boolean":
                return self._random.random() < 1 / 2
            case "null":
                return None
            case _:
                return self._text(node, name, owner, depth)

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node or "allOf" in node:
            parts = node.get("allOf") or [self._schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]]
            rest = {key: value for key, value in node.items() if key not in {"$ref", "allOf"}}
            node = {key: value for part in parts for key, value in part.items()} | rest
        return node

    def _chosen(self, choices: list[dict[str, Any]], depth: int) -> dict[str, Any]:
        """Return one of several shapes: something rather than nothing, unless it is deep enough."""
        if depth >= _DEEPEST:
            return min(choices, key=lambda choice: _depth(choice, self._depths))
        some = [choice for choice in choices if choice.get("type") != "null"]
        plain = [choice for choice in some if "pattern" not in choice]
        return self._random.choice(plain or some or choices)

    def _object(self, node: dict[str, Any], name: str, owner: str, depth: int) -> dict[str, Any]:
        kind = words_of(node["title"]) if "properties" in node and "title" in node else owner
        required = set(node.get("required", ()))
        self._made[kind] += 1
        made = {
            field: self._value(inner, name=field, owner=kind, depth=depth + 1)
            for field, inner in node.get("properties", {}).items()
            if depth < _DEEPEST or field in required
        }
        return made | dict(self._members(node, name, owner, depth, already=len(made)))

    def _members(
        self, node: dict[str, Any], name: str, owner: str, depth: int, *, already: int
    ) -> Iterator[tuple[str, Any]]:
        """Yield the members of a mapping, which has keys of its own."""
        patterns = node.get("patternProperties") or {}
        inner = next(iter(patterns.values()), node.get("additionalProperties"))
        if not isinstance(inner, dict) and (inner is not True or "properties" in node):
            return
        keys = node.get("propertyNames", {"type": "string"})
        keys = {**keys, **({"pattern": next(iter(patterns))} if patterns else {})}
        found: dict[str, Any] = {}
        size = self._size(node.get("minProperties", 0), node.get("maxProperties"), depth)
        for _ in range(_ALIKE_TRIES):
            if len(found) + already >= size:
                break
            key = self._value(keys, name="key", owner=name, depth=depth + 1)
            shape = inner if isinstance(inner, dict) else {}
            found[str(key)] = self._value(shape, name=name, owner=owner, depth=depth + 1)
        yield from found.items()

    def _array(self, node: dict[str, Any], name: str, owner: str, depth: int) -> list[Any]:
        fixed = [
            self._value(part, name=name, owner=owner, depth=depth + 1)
            for part in node.get("prefixItems", ())
        ]
        items = node.get("items")
        if not isinstance(items, dict):
            return fixed
        size = self._size(node.get("minItems", 0), node.get("maxItems"), depth)
        made = fixed
        for _ in range(max(size, 0) + _ALIKE_TRIES):
            if len(made) >= size:
                break
            part = self._value(items, name=one_of(name), owner=owner, depth=depth + 1)
            if not node.get("uniqueItems") or part not in made:
                made.append(part)
        return made

    def _size(self, least: int, most: int | None, depth: int) -> int:
        if depth >= _DEEPEST:
            return least
        size = max(least, self._random.randint(*_LIST))
        return size if most is None else min(size, most)

    def _number(self, node: dict[str, Any]) -> int | float:
        whole = node["type"] == "integer"
        low, high = _bounds(node, whole=whole)
        step = node.get("multipleOf", 1 if whole else 0)
        if step:
            first, last = ceil(low / step), floor(high / step)
            number = self._random.randint(first, max(first, last)) * step
        else:
            number = round(self._random.uniform(low, high), 1)
            if not low <= number <= high:
                number = self._random.uniform(low, high)
        return int(number) if whole else number

    def _text(self, node: dict[str, Any], name: str, owner: str, depth: int) -> str:
        if node.get("contentMediaType") == _JSON:
            inner = node.get("contentSchema", {})
            return json.dumps(self._value(inner, name=name, owner=owner, depth=depth + 1))
        self._made[f"{owner}.{name}"] += 1
        return made_up(
            node,
            name=name,
            owner=owner,
            about=self._about if depth <= 1 else "",
            number=self._made[f"{owner}.{name}"],
            random=self._random,
        )


def _bounds(node: dict[str, Any], *, whole: bool) -> tuple[float, float]:
    """Return the least and the most that a number may be, both included."""
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    span = _NUMBER[1] - _NUMBER[0]
    if low is None:
        low = _NUMBER[0] if high is None or high > _NUMBER[0] else high - span
    if high is None:
        high = max(_NUMBER[1], low + span)
    inward = 1 if whole else (high - low) / 4
    return (
        low + inward if "exclusiveMinimum" in node else low,
        high - inward if "exclusiveMaximum" in node else high,
    )


@cache
def _schema_of(output: type[Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """Return a shape's schema, and of each of its definitions how deep it is at least."""
    schema: dict[str, Any] = output.model_json_schema()
    definitions = schema.get("$defs", {})
    depths = dict.fromkeys(definitions, inf)
    for _ in definitions:  # after as many rounds as there are definitions nothing changes any more
        for name, node in definitions.items():
            depths[name] = _depth(node, depths)
    return schema, depths


def _depth(node: dict[str, Any], depths: dict[str, float]) -> float:
    """Return how deep the least value of a shape is; `inf` when it is not known yet."""
    if "$ref" in node:
        return depths[node["$ref"].rsplit("/", 1)[-1]]
    if choices := node.get("anyOf") or node.get("oneOf"):
        return min(_depth(choice, depths) for choice in choices)
    inner: list[dict[str, Any]] = []
    if node.get("type") == "object":
        required = node.get("required", ())
        inner = [part for name, part in node.get("properties", {}).items() if name in required]
    if node.get("type") == "array":
        inner = list(node.get("prefixItems", ()))
        inner += [node["items"]] if node.get("minItems") and "items" in node else []
    return 1 + max((_depth(part, depths) for part in inner), default=-1)
