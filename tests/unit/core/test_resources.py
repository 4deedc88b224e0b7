"""What a process has open is closed in the reverse order, whatever fails on the way."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from core import resources as module
from core.resources import Resource, Resources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def test_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was opened last is closed first; a part that fails or hangs keeps no other one open."""
    monkeypatch.setattr(module, "CLOSE_S", 0.05)
    closed: list[str] = []

    async def close(name: str) -> None:
        await asyncio.sleep(0)
        closed.append(name)

    async def fails() -> None:
        raise ConnectionRefusedError

    async def hangs() -> None:
        await asyncio.Event().wait()

    @asynccontextmanager
    async def context() -> AsyncIterator[None]:
        yield
        closed.append("context")

    with capture_logs() as logs:
        async with Resources() as resources:
            await resources.open(
                [
                    Resource("engine", close=partial(close, "engine")),
                    Resource("what fails", close=fails),
                    Resource("stream", close=lambda: closed.append("stream")),
                    Resource("what hangs", close=hangs),
                    Resource("presence", during=context),
                    Resource("recorder", close=partial(close, "recorder")),
                ]
            )
            assert closed == []
    assert closed == ["recorder", "context", "stream", "engine"]
    assert [each["part"] for each in logs] == ["what hangs", "what fails"]


async def test_what_cannot_be_opened() -> None:
    """What was opened before it is closed, and what comes after it is not opened."""
    done: list[str] = []

    async def fails() -> None:
        raise ConnectionRefusedError

    parts = [
        Resource("engine", open=partial(done.append, "open"), close=partial(done.append, "close")),
        Resource("hub", open=fails),
        Resource("feed", open=partial(done.append, "never")),
    ]
    with pytest.raises(ConnectionRefusedError):
        async with Resources() as resources:
            await resources.open(parts)
    assert done == ["open", "close"]


async def test_what_blocks_is_closed_in_a_thread() -> None:
    """A part that blocks while it closes does not hold the loop."""
    threads: list[threading.Thread] = []
    async with Resources() as resources:
        close = lambda: threads.append(threading.current_thread())  # noqa: E731
        await resources.open([Resource("renderer", close=close, close_blocks=True)])
    assert threads
    assert threads[0] is not threading.current_thread()
