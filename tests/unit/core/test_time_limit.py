"""A limit of time, and waits in line that do not count."""

from __future__ import annotations

import asyncio

import pytest

from core.time_limit import in_line, time_limit


async def test_waits_in_line_are_not_counted() -> None:
    """A wait that is longer than the limit costs nothing of it, also of two that overlap."""

    async def wait(seconds: float) -> None:
        with in_line():
            await asyncio.sleep(seconds)

    async with time_limit(0.1) as limit:
        before = limit.when()
        assert before is not None
        await asyncio.gather(wait(0.15), wait(0.2))
        after = limit.when()
    assert after is not None
    assert after - before >= 0.2 - 0.001


async def test_work_after_a_wait_is_counted() -> None:
    """What is left of the limit holds again after the wait."""

    async def work() -> None:
        async with time_limit(0.05):
            with in_line():
                await asyncio.sleep(0.06)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await work()


async def test_who_waits_can_be_stopped() -> None:
    """A limit that somebody ends during a wait is over at once, and stays over."""

    async def wait() -> None:
        async with time_limit(60) as limit:
            loop = asyncio.get_running_loop()
            loop.call_soon(lambda: limit.reschedule(loop.time()))
            with in_line():
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wait(), 10)


async def test_without_a_limit() -> None:
    """Without a limit a wait in line is just a wait."""
    with in_line():
        await asyncio.sleep(0)
