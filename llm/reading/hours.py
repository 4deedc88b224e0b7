"""Reads how long something takes, however a model says it."""

from __future__ import annotations

import math
import re
from typing import Any, Final

_NUMBER: Final = r"\d{1,6}(?:[.,\u066b]\d{1,3})?"
_TO: Final = (
    r"(?:-|\u2013|\u2014|~|\uff5e|\u301c|to|or|bis|oder|a|à|o|ou|до|или"
    r"|至|到|或|إلى|الى|أو)"
)
_AMOUNT: Final = re.compile(
    rf"(?P<number>{_NUMBER})(?:\s*{_TO}\s*(?P<more>{_NUMBER}))?"
    r"[\s-]*(?P<unit>(?:[^\W\d][^\s\d]{0,11})?)",
    re.IGNORECASE,
)
_CLOCK: Final = re.compile(r"\D*(\d{1,3}):([0-5]\d)(?::[0-5]\d)?\D*")
_MOST_AMOUNTS: Final = 3
_MINUTES: Final = 60
_UNIT_WORDS: Final = {
    1 / 60: "min dak phút perc 分 мин хв 분 دق मिन λεπτ דק",
    1 / 3600: "sec sek 秒 сек 초",
    160.0: "month monat mois mes miesi месяц 개월 个月 個月 ヶ月 か月 شهر أشهر",
    8.0: "d tag jour giorn gün ngày 天 日 일 дн ден يوم أيام ايام दिन",
    40.0: "w sem settiman tyg tydz hafta tuần 周 週 주 нед أسب أساب اسب اساب",
    1.0: "h std stund ora ore uur saat godz giờ 小 时 時 시간 ч ساع घं घण",
}
"""What a unit has of hours, and how its words begin in the languages that models answer in."""
_UNITS: Final = [(by, tuple(words.split())) for by, words in _UNIT_WORDS.items()]


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
    return _in_words(value[:100])


def _in_words(text: str) -> float | None:
    if (clock := _CLOCK.fullmatch(text)) is not None:
        return int(clock[1]) + int(clock[2]) / _MINUTES
    amounts = [
        (_number(each), _factor(each["unit"]), not each["unit"]) for each in _AMOUNT.finditer(text)
    ]
    named = next((place for place, (_, factor, _) in enumerate(amounts) if factor), 0)
    total, last = 0.0, math.inf
    for number, told, bare in amounts[named : named + _MOST_AMOUNTS]:
        in_minutes = bare and last == 1 and number < _MINUTES  # as in `1h30`
        factor = 1 / _MINUTES if in_minutes else told
        if (by := factor or 1.0) >= last:  # it tells of the same time in another way
            break
        total, last = total + number * by, by if factor else 0.0
    return total if amounts else None


def _number(amount: re.Match[str]) -> float:
    given = [amount["number"], amount["more"] or amount["number"]]
    return sum(float(re.sub("[,\u066b]", ".", each)) for each in given) / 2


def _factor(unit: str) -> float | None:
    """Return what a unit has of hours; None where none is named that is known."""
    said = unit.casefold()
    if said.rstrip(".,;:)") == "m":
        return 1 / _MINUTES
    return next((by for by, words in _UNITS if said.startswith(words)), None)
