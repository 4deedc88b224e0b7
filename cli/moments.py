"""Times and durations as people read them: local, with the offset. Programs get UTC by --json."""

from __future__ import annotations

from datetime import datetime
from typing import Final

MINUTE_S: Final = 60
HOUR_S: Final = 3600
_DAY_S: Final = 86400
_ALMOST_ONE_S: Final = 0.95
_ALMOST_TEN_S: Final = 9.95
"""Where rounding would show one digit too many."""


def local(at: str | datetime) -> datetime:
    """Return a moment in the time of this machine."""
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone()


def offset(at: datetime) -> str:
    """Return how far its time is from UTC, as in `+01:00`."""
    text = at.strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


def moment(at: str | datetime | None) -> str:
    """Return a moment to the minute, as in `2026-11-22 10:00+01:00`; `-` when there is none."""
    if at is None:
        return "-"
    here = local(at)
    return f"{here:%Y-%m-%d %H:%M}{offset(here)}"


def clock(at: str | datetime) -> str:
    """Return a moment's time of day to the second, as in `10:00:07+01:00`."""
    here = local(at)
    return f"{here:%H:%M:%S}{offset(here)}"


def duration(seconds: float) -> str:
    """Return a duration as people say it, and as the pages do (api/static/lib/time.js)."""
    if seconds < _ALMOST_ONE_S:
        return f"{round(seconds * 1000)} ms"
    if seconds < _ALMOST_TEN_S:
        return f"{seconds:.1f} s"
    if seconds < MINUTE_S:
        return f"{min(round(seconds), MINUTE_S - 1)} s"
    if seconds < HOUR_S:
        return f"{int(seconds // MINUTE_S)} min {int(seconds % MINUTE_S):02d} s"
    if seconds < 2 * _DAY_S:
        return f"{int(seconds // HOUR_S)} h {int(seconds % HOUR_S // MINUTE_S):02d} min"
    return f"{int(seconds // _DAY_S)} days"


def counted(number: int, noun: str) -> str:
    """Return `1 concept`, `2 concepts`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def interval(seconds: float) -> str:
    """Return how often something happens: `5 s`, `10 min`, `1 h`, `1 d`."""
    for size, unit in ((_DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:g} {unit}"
    return f"{seconds:g} s"
