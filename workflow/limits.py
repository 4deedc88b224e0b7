"""What a step or a part may give, and which parts there may be: limits that are told plainly."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from core.errors import (
    InvalidPartError,
    ResultInvalidError,
    ResultTooLargeError,
    TooManyPartsError,
)
from core.request_shapes import storable
from core.visible import cut
from db.facts import JsonText

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from workflow.parts import Need

T = TypeVar("T")

LARGEST_RESULT: Final = 5_000_000
"""Bytes of what one step, or one part, gives, as JSON."""
LARGEST_REQUEST: Final = 1_000_000
"""Bytes of what a task is asked for, as JSON."""
MOST_PARTS: Final = 10_000
"""Of one step, all kinds counted."""
MOST_STEPS: Final = 1000
"""That one task may finish, those of its loops included."""
LONGEST_KEY: Final = 200
LONGEST_TITLE: Final = 300
_NO_PLACES: Final = frozenset({".", ".."})
_SHOWN: Final = 60
_PLAIN: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def check_result(value: Mapping[str, Any], *, what: str) -> JsonText:
    """See that a result can be stored, and return it as it will be.

    Args:
        value: As JSON.
        what: Named in the message, as in `The result of 'plot'`.

    Raises:
        ResultTooLargeError: It has more than `LARGEST_RESULT` bytes.
        ResultInvalidError: Something in it is no JSON, or cannot be stored.
    """
    try:
        data = orjson.dumps(value, option=_PLAIN)
    except (TypeError, ValueError) as error:
        raise ResultInvalidError(f"{what} {_problem(value) or f'is no JSON: {error}'}.") from None
    if len(data) > LARGEST_RESULT:
        raise ResultTooLargeError(
            f"{what} has {len(data):,} bytes as JSON, and {LARGEST_RESULT:,} are the most."
            " Store large things elsewhere and return where they are, or make parts of them."
        )
    if _worth_a_look(data) and (problem := _problem(value)):
        raise ResultInvalidError(f"{what} {problem}.")
    return JsonText(data.decode())


def lost_number(value: Any, path: str = "") -> str | None:
    """Return where a value has a number that JSON does not have, which pydantic may drop; or None.

    Args:
        value: As pydantic gives it for Python.
        path: Where it stands.
    """
    if isinstance(value, float):
        return None if value - value == 0 else path or "its top"
    if isinstance(value, dict):
        inner = ((f"{path}.{name}" if path else str(name), each) for name, each in value.items())
    elif isinstance(value, list | tuple | set | frozenset):
        inner = ((f"{path}[{place}]", each) for place, each in enumerate(value))
    else:
        return None
    return next((found for at, each in inner if (found := lost_number(each, at))), None)


def check_key(key: str, step: str) -> None:
    """See that a key can name a part.

    Raises:
        InvalidPartError: It is blank, too long, or cannot be stored, or stand in an address.
    """
    if (problem := _key_problem(key)) is not None:
        raise InvalidPartError(
            f"The step {step!r} has a part whose key {cut(repr(key), _SHOWN)} {problem}."
        )


def few(items: Iterable[T], step: str) -> Iterator[T]:
    """Yield the parts of a step that an author's function lists, as long as there are not too many.

    Raises:
        TooManyPartsError: There are more than `MOST_PARTS`; said before any is handed out, where
            the list knows its length.
    """
    length = len(items) if isinstance(items, Sized) else 0
    if length > MOST_PARTS:
        raise _too_many(step, f"{length:,}")
    for number, item in enumerate(items):
        if number >= MOST_PARTS:
            raise _too_many(step, f"more than {MOST_PARTS:,}")
        yield item


def checked_parts(needs: Sequence[Need], step: str) -> list[Need]:
    """Return the parts that there should be, each with a title that can be stored and shown.

    Raises:
        TooManyPartsError: There are more than `MOST_PARTS`.
        InvalidPartError: A key is no text, empty, too long, not storable, or there twice.
    """
    if len(needs) > MOST_PARTS:
        raise _too_many(step, f"{len(needs):,}")
    seen: set[tuple[str, str]] = set()
    checked = []
    for need in needs:
        check_key(need.key, step)
        if (need.key, need.kind) in seen:
            raise InvalidPartError(
                f"The step {step!r} has two parts with the key {cut(repr(need.key), _SHOWN)}; each"
                " needs a key of its own."
            )
        seen.add((need.key, need.kind))
        title = title_of(need.title)
        checked.append(need if title == need.title else replace(need, title=title))
    return checked


def title_of(text: object) -> str:
    """Return a title as it can be stored and shown; a long one is cut, nothing hangs on it."""
    return cut(storable(str(text)), LONGEST_TITLE)


def request_problem(body: Any) -> str | None:
    """Return what is wrong with a request as it would be stored, as `is …`; None if it is fine."""
    try:
        data = orjson.dumps(body)
    except (TypeError, ValueError):
        return _problem(body) or "is no JSON"
    return _problem_as_json(body, data, most=LARGEST_REQUEST)


def edit_problem(value: Any, at: str) -> str | None:
    """Return what is wrong with a reviewer's own value, as `it holds …`; None if it is fine.

    Args:
        value: As JSON.
        at: What it is called.
    """
    try:
        data = orjson.dumps(value, option=_PLAIN)
    except (TypeError, ValueError) as error:
        return f"it {_problem(value, at) or f'is no JSON: {error}'}"
    problem = _problem_as_json(value, data, at, most=LARGEST_RESULT)
    return problem and f"it {problem}"


def _problem_as_json(value: Any, data: bytes, path: str = "", *, most: int) -> str | None:
    """Return what is wrong with a value that is this JSON, where so many bytes are the most."""
    if len(data) > most:
        return f"has {len(data):,} bytes as JSON, and {most:,} are the most"
    return _problem(value, path) if _worth_a_look(data) else None


def _worth_a_look(data: bytes) -> bool:
    """Tell whether JSON has what stands there for numbers that JSON does not have, or for NUL."""
    return b"null" in data or b"\\u0000" in data  # PostgreSQL refuses NUL


def _too_many(step: str, number: str) -> TooManyPartsError:
    return TooManyPartsError(
        f"The step {step!r} has {number} parts, and {MOST_PARTS:,} are the most. Let one part do"
        " more, or divide the work among several tasks."
    )


def _key_problem(key: object) -> str | None:
    if not isinstance(key, str) or not key:
        return "is empty" if key == "" else "is no text"
    if key.isspace():
        return "is nothing but white space"
    if key in _NO_PLACES:
        return "means something else in an address, where it would name the part"
    if len(key) > LONGEST_KEY:
        return f"has {len(key):,} characters, and {LONGEST_KEY} are the most"
    if key != storable(key):
        return "holds NUL or half a character, which cannot be stored"
    return None


def _problem(value: Any, path: str = "") -> str | None:
    """Return what cannot be stored in a value and where, as `holds …`; None if all can."""
    where = f" at {path}" if path else ""
    match value:
        case str():
            if "\x00" in value:
                return f"holds a NUL character{where}"
            return None if value == storable(value) else f"holds half a character{where}"
        case bool() | None:
            return None
        case int():
            fits = -(2**63) <= value < 2**64
            return None if fits else f"holds a whole number of more than 64 bits{where}"
        case float():
            finite = value - value == 0
            return None if finite else f"holds {value}, which is no number in JSON{where}"
        case dict():
            return _problem_in_mapping(value, path)
        case list() | tuple():
            found = (_problem(each, f"{path}[{place}]") for place, each in enumerate(value))
            return next((problem for problem in found if problem), None)
    return f"holds a {type(value).__name__}{where}, which is no JSON"


def _problem_in_mapping(value: Mapping[Any, Any], path: str) -> str | None:
    for name, each in value.items():
        if not isinstance(name, str):
            return f"holds the key {name!r}, which is no text{f' at {path}' if path else ''}"
        inner = f"{path}.{cut(name, _SHOWN)}" if path else cut(name, _SHOWN)
        if problem := _problem(name, f"the key {inner}") or _problem(each, inner):
            return problem
    return None
