"""How long a provider asks to wait: told in headers, in fields or in words."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WAIT_S: Final = 60.0
"""No single pause is longer, whatever is asked for."""
GIVE_UP_S: Final = 600.0
"""Who asks for more does so for hours; waiting for that is the user's decision, not ours."""

_UNITS: Final = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds", "毫秒"), 0.001),
    **dict.fromkeys(("", "s", "sec", "secs", "second", "seconds", "秒", "秒钟"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分", "分钟"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "小时", "个小时"), 3600.0),
    **dict.fromkeys(("d", "day", "days", "天"), 86400.0),
}
_UNIT: Final = "|".join(sorted((re.escape(unit) for unit in _UNITS if unit), key=len, reverse=True))
_PART: Final = re.compile(rf"(\d+(?:\.\d+)?)\s*({_UNIT})?(?![a-z])", re.IGNORECASE)
_SPAN: Final = rf"((?:\d+(?:\.\d+)?\s*(?:{_UNIT})?\s*,?\s*(?:and\s+)?){{1,4}})"
_ASKED: Final = re.compile(
    rf"(?:(?:try|retry|retrying|available|resets?|again|wait)\b[\w\s]{{0,30}}?\b(?:in|after|for)"
    rf"|please wait|wait(?: at least)?|retry[- _]?after:?|retrydelay\W{{0,4}}|请(?:在"
    rf"|等待)?|等待)\s*[`'\"]?{_SPAN}",
    re.IGNORECASE,
)
_NOW_OR_LATER: Final = 1e9
_IN_MILLISECONDS: Final = 1e12


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the wait that headers ask for, in seconds, 60 at most."""
    wait = wait_in_headers(headers)
    return None if wait is None else min(LONGEST_WAIT_S, wait)


def wait_in_headers(headers: Mapping[str, str]) -> float | None:
    """Return the wait that headers ask for, in seconds, however long.

    `retry-after-ms` and `Retry-After` (seconds, a span or a date) count first; what tells when a
    limit is reset counts only for a limit of which nothing is left.
    """
    by_name = {name.lower(): value.strip() for name, value in headers.items()}
    if (milliseconds := _number(by_name.get("retry-after-ms", ""))) is not None:
        return max(0.0, milliseconds / 1000)
    if value := by_name.get("retry-after", ""):
        return _until(value)
    waits = []
    for name, value in by_name.items():
        left = by_name.get(name.replace("reset", "remaining"), "")
        if "ratelimit-reset" in name and _number(left) == 0:
            waits.append(_until(value))
    told = [wait for wait in waits if wait is not None]
    return max(told) if told else None


def wait_in_words(text: str) -> float | None:
    """Return the wait that a message asks for: `try again in 1m7.5s`, `请 30 秒后重试`."""
    for found in _ASKED.finditer(text[:4000]):
        if (wait := span_s(found[1])) is not None:
            return wait
    return None


def span_s(text: str) -> float | None:
    """Return the seconds of a span such as `7.66s`, `1m30s`, `120ms`, `20` or `2 hours`."""
    parts = _PART.findall(text)
    if not parts:
        return None
    return sum(float(number) * _UNITS[unit.lower()] for number, unit in parts)


def _until(value: str) -> float | None:
    """Return how long it is to a moment, told as seconds, a span, a date, or as Unix does."""
    # several in one header: each of two proxies told its own
    numbers = [number for part in value.split(",") if (number := _number(part)) is not None]
    if len(numbers) <= value.count(","):
        return _until_date(value) if ":" in value else span_s(value)
    number = max(numbers)
    if number >= _NOW_OR_LATER:
        number = (number / 1000 if number >= _IN_MILLISECONDS else number) - time.time()
    return max(0.0, number)


def _until_date(value: str) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(ValueError, OverflowError):
            at = read(value)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return None


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None  # noqa: PLR0124 - "nan" is a float too
