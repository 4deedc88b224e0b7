"""Mends what does not fit a shape where only one thing can be meant.

It goes by what pydantic finds wrong, so it works for any shape. What is left is asked for again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from llm.reading.candidates import parsed_json
from llm.reading.hours import hours_in
from llm.reading.problems import shown
from llm.reading.rules import plain_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic_core import ErrorDetails

    from llm.reading.rules import Rules

_MOST_NOTES: Final = 20
_MOST_MEMBERS: Final = 200
_LONGEST_CUT: Final = 5000
"""A text with a higher limit is the content itself: what is too long there is not cut off."""

_TITLES: Final = ("title", "name", "text", "question", "label", "value", "content", "id")


def mend(
    value: Any,
    errors: Sequence[ErrorDetails],
    schema: dict[str, Any],
    *,
    rules: Rules,
    notes: list[str],
) -> bool:
    """Mend a value's errors in place as far as one can, and tell whether any was."""
    changed = False
    for error in errors:
        mender = _MENDERS.get(error["type"])
        if mender is None or not error["loc"]:
            continue
        place = _Place(value, error, schema, rules)
        if place.holder is None or not mender(place):
            continue
        changed = True
        if place.note and len(notes) < _MOST_NOTES:
            notes.append(place.note)
    return changed


def cut_at_a_word(text: str, most: int) -> str:
    """Return a text that is no longer than allowed, cut behind a word and marked with `…`."""
    if len(text) <= most:
        return text
    begun = text[: most - 1]
    at_word = begun.rstrip() if text[most - 1].isspace() else begun.rsplit(None, 1)[0]
    return (at_word if 2 * len(at_word) > most else begun).rstrip(" ,;:-") + "\u2026"


class _Place:
    """Where in a value something is wrong."""

    def __init__(
        self, value: Any, error: ErrorDetails, schema: dict[str, Any], rules: Rules
    ) -> None:
        self.error = error
        self.rules = rules
        self.note = ""
        self.holder: Any = None
        *way, self.last = error["loc"]
        node: Any = schema
        for step in way:
            value = _inside(value, step)
            node = _schema_inside(node, step)
        self.around = node
        self.alone = not way and len(schema["properties"]) == 1
        """Whether this is all that was asked for: then a number is no text, and a flag none."""
        self.schema: dict[str, Any] = _schema_inside(node, self.last)
        if isinstance(value, (dict, list)):
            self.holder = value

    @property
    def given(self) -> Any:
        """Return what stands there."""
        return _inside(self.holder, self.last)

    @property
    def name(self) -> str:
        """Return the name of the field, of a list's part that of the list."""
        names = [step for step in self.error["loc"] if isinstance(step, str)]
        return names[-1] if names else ""

    def put(self, value: Any) -> bool:
        """Replace what stands there."""
        where = ".".join(map(str, self.error["loc"]))
        self.note = f"{where}: {shown(_inside(self.holder, self.last))} read as {shown(value)}"
        self.holder[self.last] = value
        return True


def _missing(place: _Place) -> bool:
    holder, name = place.holder, str(place.last)
    if not isinstance(holder, dict) or len(holder) > _MOST_MEMBERS:
        return False
    plain = plain_key(name)
    known = (place.around.get("properties") or {}).keys()
    others = {plain_key(str(key)): key for key in holder if key not in known}
    for word in (plain, *place.rules.other_names.get(name, ())):
        if word in others:
            holder[name] = holder.pop(others[word])
            place.note = f"{others[word]!r} read as {name!r}"
            return True
    return _absent(place)


def _absent(place: _Place) -> bool:
    """Put what is meant when nothing is said: no list is an empty one."""
    if place.schema.get("type") == "array" and not place.schema.get("minItems"):
        return place.put([])
    if any(part.get("type") == "null" for part in place.schema.get("anyOf", ())):
        return place.put(None)
    if place.name in place.rules.may_be_empty:
        return place.put("")
    return _hours(place) if _is_hours(place) else False


def _list(place: _Place) -> bool:
    given = place.given
    if given is None or given in ("", {}):
        return _absent(place)
    if isinstance(given, str):
        if given.strip().lower() in {"none", "null", "n/a", "-", "keine", "[]"}:
            return _absent(place)
        parsed = _json(given)
        if isinstance(parsed, list):
            return place.put(parsed)
        return place.put([given if parsed is None else parsed])
    if isinstance(given, dict):
        names = [str(name) for name in given]
        if names and all(re.fullmatch(r"\w{0,12}?[ _-]?\d{1,3}|[A-Z]", name) for name in names):
            return place.put(list(given.values()))
        return place.put([given])
    return place.put([given])


def _string(place: _Place) -> bool:
    given = place.given
    if given is None:
        return _absent(place)
    if isinstance(given, (bool, int, float)):
        if place.alone or (isinstance(given, bool) and not isinstance(place.last, int)):
            return False
        return place.put(str(given).lower())
    text = None
    if isinstance(given, list) and given and all(isinstance(part, str) for part in given):
        text = "\n".join(given)
    if isinstance(given, dict):
        text = next((given[name] for name in _TITLES if isinstance(given.get(name), str)), None)
    return False if text is None else place.put(text)


def _literal(place: _Place) -> bool:
    given = place.given
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    allowed = place.schema.get("enum") or _enum_in(place.schema.get("anyOf", ()))
    word = None
    if given is None:
        word = place.rules.fallback(allowed)
    elif isinstance(given, str):
        word = place.rules.word_among(given, allowed)
    elif isinstance(given, int):
        word = next((word for word in allowed if word == str(given)), None)
    return False if word is None else place.put(word)


def _object(place: _Place) -> bool:
    given = place.given
    if isinstance(given, str):
        parsed = _json(given)
        return place.put(parsed) if isinstance(parsed, dict) else False
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], dict):
        return place.put(given[0])
    return False


def _too_long(place: _Place) -> bool:
    most = int((place.error.get("ctx") or {}).get("max_length", 0))
    given = place.given
    if isinstance(given, str) and 0 < most <= _LONGEST_CUT:
        return place.put(cut_at_a_word(given, most))
    return False


def _list_too_long(place: _Place) -> bool:
    most = int((place.error.get("ctx") or {}).get("max_length", 0))
    # Objects are not dropped without asking the model.
    if "items" in place.schema and "properties" in place.schema["items"]:
        return False
    return place.put(place.given[:most]) if most and isinstance(place.given, list) else False


def _is_hours(place: _Place) -> bool:
    return place.name.endswith("hours")


def _hours(place: _Place) -> bool:
    if not _is_hours(place):
        number = re.fullmatch(r"\s*(-?\d{1,12}(?:\.\d{1,12})?)\D{0,20}", str(place.given))
        return place.put(float(number[1])) if number else False
    bounds = place.schema
    for part in place.schema.get("anyOf", ()):
        bounds = part if part.get("type") == "number" else bounds
    hours = hours_in(place.given)
    hours = place.rules.unknown_hours if hours is None else hours
    if hours is None:
        return False
    return place.put(min(bounds.get("maximum", hours), max(bounds.get("minimum", hours), hours)))


_MENDERS: Final[dict[str, Callable[[_Place], bool]]] = {
    "missing": _missing,
    "list_type": _list,
    "string_type": _string,
    "literal_error": _literal,
    "enum": _literal,
    "model_type": _object,
    "model_attributes_type": _object,
    "dict_type": _object,
    "string_too_long": _too_long,
    "too_long": _list_too_long,
    "float_type": _hours,
    "float_parsing": _hours,
    "int_parsing": _hours,
    "finite_number": _hours,
    "greater_than_equal": lambda place: _is_hours(place) and _hours(place),
    "less_than_equal": lambda place: _is_hours(place) and _hours(place),
}


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _schema_inside(node: dict[str, Any], step: str | int) -> dict[str, Any]:
    for part in node.get("anyOf", ()):
        if "properties" in part or "items" in part:
            node = part
    inner = node.get("items") if isinstance(step, int) else (node.get("properties") or {}).get(step)
    return inner if isinstance(inner, dict) else {}


def _enum_in(parts: Sequence[dict[str, Any]]) -> list[Any]:
    return [word for part in parts for word in part.get("enum", ())]


def _json(text: str) -> Any:
    if text.lstrip()[:1] not in {"[", "{"}:
        return None
    try:
        return parsed_json(text)
    except ValueError:
        return None
