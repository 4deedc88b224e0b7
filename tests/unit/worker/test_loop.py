"""The thread on which all workflows of a process run, among its other threads."""

from __future__ import annotations

import sys

import pytest

from worker import loop


def test_threads_wait_a_millisecond_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once there is an event loop, a thread that computes hands over after a millisecond."""
    monkeypatch.setattr(loop, "opening", [])
    before = sys.getswitchinterval()
    process_loop = loop.ProcessLoop()
    try:
        assert sys.getswitchinterval() == pytest.approx(0.001)
    finally:
        process_loop.stop()
        sys.setswitchinterval(before)
    assert before > 0.001
