"""A limit of time, and waits in line that do not count."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from core.time_limit import TimeLimit, in_line

if TYPE_CHECKING:
    from collections.abc import Coroutine


async def _within(limit: TimeLimit, work: Coroutine[None, None, None]) -> tuple[float, bool]:
    """Do some work within a limit; return how long that took, and whether it ended in time."""
    told = asyncio.Event()
    task = asyncio.create_task(work, context=limit.context())
    task.add_done_callback(lambda _: told.set())
    began = time.monotonic()
    limit.begin(told.set)
    await asyncio.wait_for(told.wait(), 10)
    took, in_time = time.monotonic() - began, task.done()
    limit.end()
    task.cancel()
    await asyncio.wait({task})
    return took, in_time


async def _wait(seconds: float) -> None:
    with in_line():
        await asyncio.sleep(seconds)


async def test_waits_in_line_are_not_counted() -> None:
    """A wait that is longer than the limit costs nothing of it, also of two that overlap."""
    limit = TimeLimit(0.1)

    async def work() -> None:
        await asyncio.gather(_wait(0.15), _wait(0.2))

    took, in_time = await _within(limit, work())
    assert in_time
    assert took >= 0.2 - 0.001


async def test_work_after_a_wait_is_counted() -> None:
    """What is left of the limit holds again after the wait."""
    limit = TimeLimit(0.05)

    async def work() -> None:
        await _wait(0.06)
        await asyncio.Event().wait()

    took, in_time = await _within(limit, work())
    assert not in_time
    assert took >= 0.11 - 0.001


async def test_who_waits_can_be_stopped() -> None:
    """A limit that somebody ends during a wait is over at once, and stays over."""
    limit = TimeLimit(60)

    async def work() -> None:
        asyncio.get_running_loop().call_soon(limit.expire)
        await _wait(60)

    _, in_time = await _within(limit, work())
    assert not in_time


@pytest.mark.parametrize("seconds", [0, -1])
async def test_no_time_at_all(seconds: float) -> None:
    """Who has no time is told at once."""

    async def work() -> None:
        await asyncio.Event().wait()

    _, in_time = await _within(TimeLimit(seconds), work())
    assert not in_time


async def test_nothing_is_told_after_the_end() -> None:
    """Work that ended in time hears nothing of its limit, whoever goes on in its context."""
    told: list[str] = []
    limit = TimeLimit(0.02)
    limit.begin(lambda: told.append("over"))
    still = asyncio.create_task(_wait(0.01), context=limit.context())
    await asyncio.sleep(0)
    limit.end()

    await still
    await asyncio.sleep(0.05)
    assert not told


async def test_without_a_limit() -> None:
    """Without a limit a wait in line is just a wait."""
    with in_line():
        await asyncio.sleep(0)
