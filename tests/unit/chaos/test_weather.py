"""The storm's own helpers: nothing that they meet is the end, and a report is always there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import asyncpg

from chaos import storm, weather
from chaos.report import Report, Takeover
from chaos.storm import Options, blow
from chaos.weather import Weather

if TYPE_CHECKING:
    import pytest


async def test_what_helpers_meet_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is tried again until it succeeds; what was met is counted, what was odd is told."""
    monkeypatch.setattr(weather, "_FIRST_S", 0.0)
    met = [ConnectionRefusedError(), asyncpg.InternalClientError("state 11"), ZeroDivisionError()]

    async def work() -> str:
        if met:
            raise met.pop(0)
        return "done"

    found = Weather()
    assert await found.through("human", work) == "done"
    assert found.met == {
        "human: ConnectionRefusedError": 1,
        "human: InternalClientError": 1,
        "human: ZeroDivisionError": 1,
    }
    assert [line.splitlines()[-1] for line in found.odd] == ["ZeroDivisionError"]
    assert await found.through("human", lambda: _never(), tries=2) is None  # noqa: PLW0108


async def _never() -> str:
    raise TimeoutError


def test_there_is_always_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A storm that breaks off by a fault of its own tells what it knows, and is wrong."""

    def broken(_options: Options, report: Report) -> None:
        report.counts["accepted"] = 7
        raise RuntimeError("out of breath")

    monkeypatch.setattr(storm, "_with_servers", broken)
    report = blow(Options(minutes=1, seed=1))
    assert "WRONG the storm could not be held: RuntimeError('out of breath')" in report.text()
    assert report.counts["accepted"] == 7


def test_takeovers_in_the_table() -> None:
    """A row tells the median, the 95th per cent and the longest, and those without other faults."""
    report = Report(seed=3)
    report.takeovers = [
        Takeover(what="threads", took_s=float(n), disturbed=n > 2) for n in range(1, 21)
    ]
    assert report.quantiles() == "11.0 / 20.0 / 20.0 s of 20"
    assert report.quantiles(undisturbed=True) == "2.0 / 2.0 / 2.0 s of 2"
    assert json.loads(report.json())["takeovers"][0]["took_s"] == 1.0
    assert report.row().startswith("| 3 | 0 | 0 | 0 | 11.0 / 20.0 / 20.0 s of 20 |")
