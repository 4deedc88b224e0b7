"""Reads how long something takes, however a model says it."""

from __future__ import annotations

import math
import re
from typing import Any, Final

_AMOUNT: Final = re.compile(
    r"(?P<number>\d{1,6}(?:[.,]\d{1,3})?)\s*(?:-|\u2013|to|bis|a|\u00e0|~)?\s*"
    r"(?P<more>\d{1,6}(?:[.,]\d{1,3})?)?\s*(?P<unit>[^\W\d]{0,12})"
)
_UNITS: Final = (
    (("min", "\u5206", "\u043c\u0438\u043d"), 1 / 60),
    (("sec", "sek", "\u79d2"), 1 / 3600),
    (("d", "tag", "jour", "\u5929", "\u65e5"), 8.0),
    (("w", "semaine", "semana", "\u5468"), 40.0),
)


def hours_in(value: Any) -> float | None:
    """Return hours: "2 hours", "1.5h", "30 min", "1h 30m", "2-3", "1,5 Std."; None for no idea."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return None if math.isnan(value) else float(value)
    if isinstance(value, dict):
        value = next(
            (value[name] for name in ("value", "hours", "max", "amount") if name in value), None
        )
        return hours_in(value) if isinstance(value, (int, float, str)) else None
    if isinstance(value, list):
        numbers = [number for part in value[:2] if (number := hours_in(part)) is not None]
        return sum(numbers) / len(numbers) if numbers else None
    if not isinstance(value, str):
        return None
    total = 0.0
    known = False
    for amount in list(_AMOUNT.finditer(value[:100]))[:3]:
        number = _number(amount["number"])
        if amount["more"]:
            number = (number + _number(amount["more"])) / 2
        unit = amount["unit"].casefold()
        factor = next((by for words, by in _UNITS if unit.startswith(words)), 1.0)
        total += number * (1 / 60 if unit == "m" else factor)
        known = True
    return total if known else None


def _number(text: str) -> float:
    return float(text.replace(",", "."))
