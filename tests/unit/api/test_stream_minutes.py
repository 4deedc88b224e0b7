"""How many streams were open in each minute of the last hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.stream_minutes import MINUTES, StreamMinutes

if TYPE_CHECKING:
    import pytest


def test_each_minute_tells_the_most_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was open at once counts, also in minutes in which nobody came or went."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: 60 * now[0])
    minutes = StreamMinutes()
    for at, level in ((0.1, 1), (0.2, 2), (0.3, 1), (2.1, 0), (2.2, 1), (70, 0)):
        now[0] = at
        minutes.note(level)
        if at == 2.2:
            assert minutes.last_hour()[-4:] == [None, 2, 1, 1]
    assert minutes.last_hour() == [1] * MINUTES
    now[0] = 72
    assert minutes.last_hour()[-3:] == [1, 0, 0]
