"""A prefork child whose event loop stands still is named, and ended when that does not pass."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from core import loop_watchdog
from core.loop_lag import leave_loop, watch_loop
from worker.children import Children

if TYPE_CHECKING:
    import pytest

BY = "`draw` (flows.py:7)"


def test_what_stands_still_is_ended() -> None:
    """The oldest is told; one that turns again is forgotten; one that does not is killed."""
    children = Children(end_s=loop_watchdog.BLOCKED_S + 0.2)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert children.look() is None
        children.tell(BY, pid=child.pid)
        standing = children.look()
        assert standing is not None
        assert (standing.pid, standing.by) == (child.pid, BY)
        children.tell("", pid=child.pid)
        assert children.look() is None
        children.tell(BY, pid=child.pid)
        children.tell(BY, pid=1)  # it lives, and is no child of ours
        with capture_logs() as logs:
            while child.poll() is None:
                children.look()
                time.sleep(0.02)
        assert child.returncode == -signal.SIGKILL
        assert {(line["event"], line["held_up_by"]) for line in logs} == {
            ("child_ended_for_standing_still", BY)
        }
        assert children.look() is None
    finally:
        child.kill()


async def test_a_loop_tells_when_it_is_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Observers hear what holds it up, and when it turns again."""
    monkeypatch.setattr("core.loop_lag.STEP_S", 0.02)
    monkeypatch.setattr(loop_watchdog, "BLOCKED_S", 0.2)
    monkeypatch.setattr(loop_watchdog, "LOOK_S", 0.01)
    heard: list[str] = []
    turned = threading.Event()

    def hear(by: str) -> None:
        heard.append(by)
        if not by:
            turned.set()

    monkeypatch.setattr(loop_watchdog, "observers", [hear])
    watch_loop()
    await asyncio.sleep(0.15)
    time.sleep(0.4)  # noqa: ASYNC251 - this is what is tested
    await asyncio.to_thread(turned.wait, 5)
    await leave_loop()
    first, last = heard
    assert first.startswith(f"`test_a_loop_tells_when_it_is_held_up` ({__file__}:")
    assert last == ""
