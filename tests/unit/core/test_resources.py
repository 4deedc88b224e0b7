"""What a process has open is closed in the reverse order, whatever fails on the way."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING

from core import resources as module
from core.resources import Resources

if TYPE_CHECKING:
    import pytest


async def test_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was opened last is closed first; a part that fails or hangs keeps no other one open."""
    monkeypatch.setattr(module, "CLOSE_S", 0.05)
    closed: list[str] = []

    async def close(name: str) -> None:
        await asyncio.sleep(0)
        closed.append(name)

    async def fails() -> None:
        raise OSError

    async def hangs() -> None:
        await asyncio.Event().wait()

    async with Resources() as resources:
        resources.closes(partial(close, "engine"))
        resources.closes(fails)
        resources.closes(lambda: closed.append("stream"))
        resources.closes(hangs)
        resources.closes(partial(close, "recorder"))
        assert closed == []
    assert closed == ["recorder", "stream", "engine"]


async def test_what_blocks_is_closed_in_a_thread() -> None:
    """A part that blocks while it closes does not hold the loop."""
    threads: list[threading.Thread] = []
    async with Resources() as resources:
        resources.closes_in_thread(lambda: threads.append(threading.current_thread()))
    assert threads
    assert threads[0] is not threading.current_thread()
