"""Finds where a value that came back from its JSON is another one than before."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import BaseModel

from core.visible import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PLAIN: Final = (str, int, float)
_DATA: Final = frozenset({str, int, float, bool, list, dict})
"""What JSON is read as where no type is known."""
_GONE: Final = object()
_SHOWN: Final = 60


class Difference(NamedTuple):
    """Where two values differ, and how."""

    at: str
    """As it is written behind the value's name: `.chapters[2].title`."""
    said: str


class Comparison:
    """Compares values with what came back of them.

    Equal is what a function cannot tell apart by reading it: a tuple and a list of the same items,
    or 1 and 1.0, but no objects of two classes.
    """

    def __init__(self, *, same_json: Callable[[], bool], strict: bool, plain: bool) -> None:
        """Say how to compare.

        Args:
            same_json: Tells whether both have the same JSON, for objects that cannot be compared.
            strict: A list is no tuple.
            plain: Plain data may come back of anything else: the annotation says `Any` somewhere.
        """
        self._same_json = same_json
        self._strict = strict
        self._plain = plain

    def difference(self, value: Any, again: Any) -> Difference | None:
        """Return the first place where they differ; None if there is none.

        Args:
            value: As it was.
            again: As it came back.
        """
        if value is again:
            return None
        if self._plain and type(again) in _DATA and not isinstance(value, type(again)):
            return None
        if isinstance(value, _PLAIN) and isinstance(again, _PLAIN):
            both_no_number = value != value and again != again  # noqa: PLR0124 - as NaN is
            same = value == again or both_no_number
            return None if same else Difference("", "another value comes back")
        if isinstance(value, BaseModel) or dataclasses.is_dataclass(value):
            if type(value) is not type(again) and not _adds_nothing(value, again):
                return _other_type(value, again)
            return self._first(".{}", _fields(value, again))
        if isinstance(value, Mapping) and isinstance(again, Mapping):
            return self._in_mapping(value, again)
        if _is_row(value) and _is_row(again):
            return self._in_row(value, again)
        return self._in_others(value, again)

    def _first(
        self, place: str, pairs: Iterable[tuple[object, tuple[Any, Any]]]
    ) -> Difference | None:
        for name, (value, again) in pairs:
            if (found := self.difference(value, again)) is not None:
                return Difference(place.format(cut(str(name), _SHOWN)) + found.at, found.said)
        return None

    def _in_mapping(self, value: Mapping[Any, Any], again: Mapping[Any, Any]) -> Difference | None:
        if self._plain and {str(key) for key in value} == set(again):
            return None if again.keys() != value.keys() else self._in_values(value, again)
        for key in value.keys() ^ again.keys():
            shown = cut(repr(key), _SHOWN)
            return Difference("", f"the key {shown} comes back as another one, or not at all")
        return self._in_values(value, again)

    def _in_values(self, value: Mapping[Any, Any], again: Mapping[Any, Any]) -> Difference | None:
        return self._first(".{}", ((key, (each, again[key])) for key, each in value.items()))

    def _in_row(self, value: Sequence[Any], again: Sequence[Any]) -> Difference | None:
        kinds = isinstance(value, tuple), isinstance(again, tuple)
        named = hasattr(value, "_fields") and type(value) is not type(again)
        if named or (self._strict and kinds[0] is not kinds[1]):
            return _other_type(value, again)
        if len(value) != len(again):
            return Difference("", f"{len(again)} entries come back, and there were {len(value)}")
        return self._first("[{}]", enumerate(zip(value, again, strict=True)))

    def _in_others(self, value: Any, again: Any) -> Difference | None:
        sets = isinstance(value, AbstractSet) and isinstance(again, AbstractSet)
        if not sets and not isinstance(value, type(again)):
            return _other_type(value, again)
        try:
            same = bool(value == again)
        except Exception:  # noqa: BLE001 - the author's own comparison
            same = self._same_json()
        if same or ((sets or _cannot_be_compared(value, again)) and self._same_json()):
            return None
        return Difference("", f"another {type(value).__name__} comes back")


def _fields(value: Any, again: Any) -> Iterable[tuple[str, tuple[Any, Any]]]:
    """Return the fields of two objects of one class that count when they are compared."""
    names: Iterable[str]
    if not isinstance(value, BaseModel):
        names = [field.name for field in dataclasses.fields(value) if field.compare]
    elif value.model_extra or again.model_extra:
        names = {
            **type(value).model_fields,
            **(value.model_extra or {}),
            **(again.model_extra or {}),
        }
    else:
        names = type(value).model_fields
    for name in names:
        yield name, (getattr(value, name, _GONE), getattr(again, name, _GONE))


def _adds_nothing(value: object, again: object) -> bool:
    """Tell whether an object's class is derived from the other one's and has no field of its own.

    Nothing of it is lost when it comes back as one of the class that the annotation names.
    """
    if not isinstance(value, type(again)) or not isinstance(value, BaseModel):
        return False
    return isinstance(again, BaseModel) and _names_of(value) == _names_of(again)


def _names_of(model: BaseModel) -> set[str]:
    return {*type(model).model_fields}


def _is_row(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _cannot_be_compared(value: object, again: object) -> bool:
    """Tell of objects without a comparison, and of times: an hour comes twice in some zones.

    Zones of before 1900 are off by seconds, too, which JSON's times do not have.
    """
    if isinstance(value, datetime | time) and isinstance(again, datetime | time):
        return value.utcoffset() == again.utcoffset()
    return type(value).__eq__ is object.__eq__


def _other_type(value: object, again: object) -> Difference:
    one, other = type(value).__name__, type(again).__name__
    if one == other:
        one, other = (f"{type(each).__module__}.{one}" for each in (value, again))
    return Difference("", f"a value of {one} comes back as one of {other}")
