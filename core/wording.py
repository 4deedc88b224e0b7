"""Says in plain words what is wrong with a value: pydantic's own words are for programmers.

A reason goes on from the value's name: "`body.goal` must not be empty". The rule's stable name
(`string_too_short`) stays beside it for programs.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OWN: Final = frozenset({"value_error", "assertion_error"})
_SAID: Final[dict[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here; check its spelling",
    "string_type": "must be text",
    "string_unicode": "must be valid Unicode",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "mapping_type": "must be an object",
    "none_required": "must be null",
    "uuid_type": "must be an id: a UUID such as 01990000-0000-7000-8000-000000000000",
    "uuid_parsing": "must be an id: a UUID such as 01990000-0000-7000-8000-000000000000",
    "datetime_type": "must be a time such as 2026-11-22T10:00:00Z",
    "datetime_parsing": "must be a time such as 2026-11-22T10:00:00Z",
    "datetime_from_date_parsing": "must be a time such as 2026-11-22T10:00:00Z",
    "timezone_aware": "must name its time zone, as in 2026-11-22T10:00:00Z",
    "recursion_loop": "is nested too deeply",
}


def unreadable(cause: BaseException | None) -> str:
    """Return why a text could not be read as JSON at all, as the end of a sentence about it."""
    if isinstance(cause, UnicodeDecodeError):
        return f"is not UTF-8: byte {cause.start + 1:,} cannot be read"
    if isinstance(cause, RecursionError):
        return "is nested too deeply"
    return "is not JSON that can be read"


def said(problem: Mapping[str, Any]) -> str:
    """Return what one of pydantic's errors says, as the end of a sentence about the value."""
    kind, facts = str(problem["type"]), problem.get("ctx") or {}
    message = str(problem.get("msg", "is not valid"))
    if kind in _OWN:
        return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind in _SAID:
        return _SAID[kind]
    try:
        return _WITH_FACTS[kind](facts)
    except KeyError:
        return f"is not valid: {message[:1].lower()}{message[1:]}"


def _at_least(facts: Mapping[str, Any]) -> str:
    least = facts["min_length"]
    return "must not be empty" if least == 1 else f"must have at least {_counted(least, facts)}"


def _at_most(facts: Mapping[str, Any]) -> str:
    had = facts.get("actual_length")
    most = f"may have at most {_counted(facts['max_length'], facts)}"
    return most if had is None else f"{most}; it has {had:,}"


_WHOLE: Final = 10**15
"""Below it a whole number is written without an exponent."""


def _counted(number: int, facts: Mapping[str, Any]) -> str:
    """Return a length in what it counts: pydantic calls a text that was looked at a `Value`."""
    one, more = ("entry", "entries") if facts.get("field_type") in _HOLD else _CHARACTERS
    return f"{number:,} {one if number == 1 else more}"


def _bound(bound: Any) -> str:
    """Return a bound as one writes it: also dates, times and durations have some."""
    if isinstance(bound, float) and bound.is_integer() and abs(bound) < _WHOLE:
        return f"{bound:,.0f}"
    return f"{bound:,}" if isinstance(bound, int | float | Decimal) else str(bound)


_HOLD: Final = frozenset({"List", "Tuple", "Set", "Frozenset", "Dictionary"})
_CHARACTERS: Final = ("character", "characters")

_WITH_FACTS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "string_too_short": _at_least,
    "too_short": _at_least,
    "string_too_long": _at_most,
    "too_long": _at_most,
    "greater_than": lambda facts: f"must be above {_bound(facts['gt'])}",
    "greater_than_equal": lambda facts: f"must be {_bound(facts['ge'])} or more",
    "less_than": lambda facts: f"must be below {_bound(facts['lt'])}",
    "less_than_equal": lambda facts: f"must be {_bound(facts['le'])} or less",
    "literal_error": lambda facts: f"must be {facts['expected']}",
    "enum": lambda facts: f"must be {facts['expected']}",
    "union_tag_invalid": lambda facts: (
        f"must have as {facts['discriminator']} one of {facts['expected_tags']}"
    ),
    "union_tag_not_found": lambda facts: f"must say what it is by {facts['discriminator']}",
    "string_pattern_mismatch": lambda facts: f"must look like {facts['pattern']}",
    "json_invalid": lambda facts: f"is not JSON: {facts.get('error', 'it cannot be read')}",
}
