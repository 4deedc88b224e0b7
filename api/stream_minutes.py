"""How many streams were open at most in each minute of the last hour; by this process alone."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

MINUTES: Final = 60


def _minute() -> int:
    return int(time.monotonic() // 60)


@dataclass(slots=True)
class StreamMinutes:
    """The most streams of each minute in which their number changed, and the number since."""

    began: int = field(default_factory=_minute)
    level: int = 0
    _most: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=MINUTES))
    """Minute, the most in it, and the number at its end."""

    def note(self, level: int) -> None:
        """Take a new number of streams down."""
        now, before = _minute(), self.level
        self.level = level
        if self._most and self._most[-1][0] == now:
            most = max(self._most.pop()[1], level)
        else:
            most = max(before, level)
        self._most.append((now, most, level))

    def last_hour(self) -> list[int | None]:
        """Return the most of each minute, the oldest first; None before this process began."""
        known = {minute: (most, after) for minute, most, after in self._most}
        first = _minute() - MINUTES + 1
        level = next((after for at, _, after in reversed(self._most) if at < first), 0)
        found: list[int | None] = []
        for minute in range(first, first + MINUTES):
            most, level = known.get(minute, (level, level))
            found.append(most if minute >= self.began else None)
        return found
