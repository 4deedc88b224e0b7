"""Code that blocks the event loop is named while it does, with its stack."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from typing import TYPE_CHECKING

import structlog
from structlog.testing import capture_logs

from core import loop_watchdog
from core.loop_lag import leave_loop, watch_loop
from core.loop_watchdog import BLOCKED, held_up_by

if TYPE_CHECKING:
    import pytest


def blocks_for(seconds: float) -> None:
    """Hold the loop."""
    time.sleep(seconds)


async def test_who_blocks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once each time, with task and stack; a loop that waits for something to do is let alone."""
    monkeypatch.setattr(loop_watchdog, "BLOCKED_S", 0.2)
    monkeypatch.setattr(loop_watchdog, "LOOK_S", 0.02)
    monkeypatch.setattr("core.loop_lag.STEP_S", 0.02)

    async def step() -> None:
        with structlog.contextvars.bound_contextvars(step="draw"):
            blocks_for(0.4)

    before = BLOCKED._value.get()
    held: list[str] = []
    threading.Timer(0.6, lambda: held.append(held_up_by())).start()
    with capture_logs() as logs:
        watch_loop()
        await asyncio.sleep(0.3)
        assert BLOCKED._value.get() == before
        await asyncio.create_task(step(), name="draw of task 7")
        await asyncio.sleep(0.15)
        await leave_loop()
    (told,) = [line for line in logs if line["event"] == "event_loop_blocked_by"]
    assert held[0].startswith(f"`blocks_for` ({__file__}:")
    assert held[0].endswith("in draw of task 7")
    assert held_up_by() == ""
    assert told["function"] == "draw of task 7"
    assert "blocks_for" in told["stack"]
    assert told["seconds"] >= 0.2
    assert (told.get("step") == "draw") == (sys.version_info >= (3, 12))
    assert BLOCKED._value.get() == before + 1
