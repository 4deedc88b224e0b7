"""Fits a value to the shape that was asked for, whatever it was wrapped in."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from llm.reading.mending import mend
from llm.reading.problems import Misfit, UnusableAnswerError
from llm.reading.rules import rules_of
from llm.reading.values import values_of
from llm.schema import strict_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llm.calls import T

_ROUNDS: Final = 8
_MOST_ERRORS: Final = 2000
_DEEPEST_WRAPPER: Final = 4
_LOOKED_AT: Final = 8
_MOST_VIEWS: Final = 16
_SCHEMA_WORDS: Final = frozenset({"type", "properties", "required", "$schema"})


def fitted(value: Any, output: type[T], *, notes: list[str]) -> T:
    """Return a value in its shape.

    Raises:
        UnusableAnswerError: It does not fit.
    """
    best: UnusableAnswerError | None = None
    most = -1
    schema = strict_schema(output)
    for view, way in islice(_Views(schema, rules_of(output).wrappers).of(value), _MOST_VIEWS):
        told: list[str] = [f"taken out of {way}"] if way else []
        try:
            fitting = _validated(view, output, notes=told)
        except UnusableAnswerError as error:
            names = view.keys() if isinstance(view, dict) else ()
            known = len(schema["properties"].keys() & names)
            if best is None or known > most:
                best, most = error, known
        else:
            notes += dict.fromkeys(told)
            return fitting
    if _is_schema(value):
        raise UnusableAnswerError("It repeats the schema; answer with an object that fits it.")
    raise best or UnusableAnswerError("It is not a JSON object.")


def _validated(value: Any, output: type[T], *, notes: list[str]) -> T:
    if not isinstance(value, dict):
        raise UnusableAnswerError("It is not a JSON object.")
    schema, rules = strict_schema(output), rules_of(output)
    changed = False
    for _ in range(_ROUNDS):
        try:
            return output.model_validate(value, context={"notes": notes})
        except ValidationError as error:
            problem = error
        if problem.error_count() > _MOST_ERRORS:
            break
        errors = problem.errors(include_url=False)
        if not changed:
            value = json.loads(json.dumps(value))  # what is mended here may be fitted elsewhere
        if not (changed := mend(value, errors, schema, rules=rules, notes=notes)):
            break
    misfit = Misfit(value=value, errors=problem.errors(include_url=False), output=output)
    raise UnusableAnswerError(str(misfit), misfit=misfit)


def combined(values: list[Any], output: type[T]) -> dict[str, Any] | None:
    """Return objects that stand alone or in a row as one list, where the shape is just that."""
    schema = strict_schema(output)
    items: list[Any] = []
    for value in values:
        if looks_like_item(value, schema) and value not in items:
            items.append(value)
    return {str(list_field(schema)): items} if items else None


def list_field(schema: dict[str, Any]) -> str | None:
    """Return the one field of a shape that has nothing but a list of objects, or None."""
    names = list(schema["properties"])
    if len(names) != 1:
        return None
    items = schema["properties"][names[0]].get("items")
    return names[0] if isinstance(items, dict) and "properties" in items else None


def looks_like_item(value: Any, schema: dict[str, Any]) -> bool:
    """Tell whether a value is one of the list's objects, and not the whole answer."""
    name = list_field(schema)
    if name is None or not isinstance(value, dict) or name in value:
        return False
    wanted = schema["properties"][name]["items"]["properties"].keys()
    return next(iter(wanted)) in value or 2 * len(wanted & value.keys()) >= len(wanted)


class _Views:
    """What may be meant by a value, which may be wrapped in others."""

    def __init__(self, schema: dict[str, Any], wrappers: frozenset[str]) -> None:
        self._schema = schema
        self._wrappers = wrappers

    def of(self, value: Any, depth: int = 0) -> Iterator[tuple[Any, str]]:
        """Yield what may be meant, and out of what that was taken."""
        if depth > _DEEPEST_WRAPPER:
            return
        if isinstance(value, str):
            yield from self._of_text(value, depth)
        elif isinstance(value, list):
            yield from self._of_list(value, depth)
        elif isinstance(value, dict):
            yield from self._of_object(value, depth)

    def _of_text(self, text: str, depth: int) -> Iterator[tuple[Any, str]]:
        if "{" not in text:
            return
        for found in islice(values_of(text), _LOOKED_AT):
            if not isinstance(found, str) and found.sure:
                yield from self._wrapped(found.value, depth, "a text")

    def _of_list(self, parts: list[Any], depth: int) -> Iterator[tuple[Any, str]]:
        name = list_field(self._schema)
        if name is not None and parts and all(looks_like_item(p, self._schema) for p in parts):
            yield {name: parts}, "a list"
        for part in reversed(parts[-_LOOKED_AT:]):
            yield from self._wrapped(part, depth, "a list")

    def _of_object(self, value: dict[str, Any], depth: int) -> Iterator[tuple[Any, str]]:
        schema = self._schema
        known = schema["properties"].keys() & value.keys()
        if known:
            yield value, ""
        if depth and looks_like_item(value, schema):
            yield {str(list_field(schema)): [value]}, "one object"
        if known == schema["properties"].keys():
            alone = next(iter(value.values())) if len(value) == 1 else None
            if isinstance(alone, dict) and known <= alone.keys():  # an answer in its own name
                yield from self._wrapped(alone, depth, f"`{next(iter(known))}`")
            return
        if len(value) > 1 and all(looks_like_item(part, schema) for part in value.values()):
            yield {str(list_field(schema)): list(value.values())}, "an object of objects"
        for name, inner in islice(value.items(), 100):
            if name.lower() in self._wrappers or len(value) == 1:
                yield from self._wrapped(_plain(inner), depth, f"`{name[:40]}`")
        if not known:
            yield value, ""

    def _wrapped(self, value: Any, depth: int, way: str) -> Iterator[tuple[Any, str]]:
        for view, inner_way in self.of(value, depth + 1):
            yield view, f"{inner_way} in {way}" if inner_way else way


def _plain(inner: Any) -> Any:
    """Return the values of a schema whose properties hold them (`{"value": …}`)."""
    if not isinstance(inner, dict) or not inner:
        return inner
    parts = list(inner.values())
    if all(isinstance(part, dict) and "type" in part and len(part) > 1 for part in parts):
        for word in ("value", "const", "default"):
            if all(word in part for part in parts):
                return {name: part[word] for name, part in inner.items()}
    return inner


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict) and len(_SCHEMA_WORDS & value.keys()) > 1
