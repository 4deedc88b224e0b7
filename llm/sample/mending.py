"""Mends what was made up where a check says more than the JSON Schema did: dates, times, keys."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PAST: Final = "2020-01-01"
_FUTURE: Final = "2099-01-01"
_KEY: Final = "[key]"
_FIXED: Final = {
    "date_past": _PAST,
    "date_future": _FUTURE,
    "datetime_past": f"{_PAST}T09:00:00Z",
    "datetime_future": f"{_FUTURE}T09:00:00Z",
    "timezone_naive": f"{_PAST}T09:00:00",
    "timezone_aware": f"{_PAST}T09:00:00Z",
}
"""By the type of the error."""
_LENGTH: Final = re.compile(r"(\d+) (day|hour|minute|second)s?\b")
_CLOCK: Final = re.compile(r"(\d+):(\d+):(\d+)")
_BOUNDS: Final = {"ge": 0, "gt": 1, "le": 0, "lt": -1}
"""How the error tells a bound, and in which direction from it a value fits."""


def mend(answer: Any, errors: Sequence[Mapping[str, Any]]) -> bool:
    """Change an answer in place as errors want it; tell whether anything was changed."""
    mended = [_mend_one(answer, error, number) for number, error in enumerate(errors, 1)]
    return any(mended)


def _mend_one(answer: Any, error: Mapping[str, Any], number: int) -> bool:
    *path, last = error["loc"] or ("",)
    if last == _KEY and path:
        holder = _at(answer, path[:-1])
        name = _name_for(str(error["type"]), number)
        if not isinstance(holder, dict) or path[-1] not in holder or name is None:
            return False
        holder[name] = holder.pop(path[-1])
        return True
    holder, value = _at(answer, path), _value_for(error)
    known = isinstance(holder, dict) and last in holder
    known = known or (isinstance(holder, list) and isinstance(last, int) and last < len(holder))
    if value is None or not known:
        return False
    holder[last] = value
    return True


def _at(answer: Any, path: Sequence[Any]) -> Any:
    """Return what stands at a path; what only names the choice of a union leads nowhere."""
    for step in path:
        fits = isinstance(answer, dict) and step in answer
        fits = fits or (isinstance(answer, list) and isinstance(step, int) and step < len(answer))
        answer = answer[step] if fits else answer
    return answer


def _name_for(error: str, number: int) -> str | None:
    kind = error.split("_", maxsplit=1)[0]
    if kind in {"int", "float", "decimal"}:
        return str(number)
    if kind in {"date", "datetime"}:
        day = (date.fromisoformat(_PAST) + timedelta(days=number)).isoformat()
        return day if kind == "date" else f"{day}T09:00:00Z"
    if kind == "bool":
        return "true" if number % 2 else "false"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sample-{number}")) if kind == "uuid" else None


def _value_for(error: Mapping[str, Any]) -> Any:
    fixed = _FIXED.get(error["type"])
    if fixed is not None:
        return fixed
    for name, direction in _BOUNDS.items():
        bound = _moment(error.get("ctx", {}).get(name))
        if isinstance(bound, datetime):
            return (bound + timedelta(hours=direction)).isoformat()
        if isinstance(bound, date):
            return (bound + timedelta(days=direction)).isoformat()
        if isinstance(bound, timedelta):
            return (bound + timedelta(seconds=direction)).total_seconds()
        if isinstance(bound, time):
            moved = datetime.combine(date.min + timedelta(1), bound) + timedelta(minutes=direction)
            return moved.timetz().isoformat()
    return None


def _moment(bound: Any) -> Any:
    """Return a bound of a date, a time or a length of time as one; pydantic tells it as text."""
    if not isinstance(bound, str):
        return bound
    for kind in (date, time, datetime):  # a date alone is no time, and no date has a time
        with suppress(ValueError):
            return kind.fromisoformat(bound)
    found = [(int(number), unit) for number, unit in _LENGTH.findall(bound)]
    found += [(int(part), unit) for part, unit in zip(*_clock(bound), strict=True)]
    return timedelta(**{f"{unit}s": number for number, unit in found}) if found else None


def _clock(bound: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    clock = _CLOCK.search(bound)
    return (clock.groups(), ("hour", "minute", "second")) if clock else ((), ())
