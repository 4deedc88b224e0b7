"""A time limit within a task that is being cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from core import timeouts
from tests.factories import until

if TYPE_CHECKING:
    from collections.abc import Callable


def careful(seconds: float) -> asyncio.Timeout:
    """Return the limit of the first releases, whichever Python runs this."""
    return timeouts.CarefulTimeout(asyncio.get_running_loop().time() + seconds)


@pytest.mark.parametrize("limit", [timeouts.timeout, careful])
async def test_it_ends_in_a_timeout_on_the_way_out_of_a_cancelled_task(
    limit: Callable[[float], asyncio.Timeout],
) -> None:
    """What closes things step by step goes on to the next one; a new cancellation still ends it."""
    begun = asyncio.Event()
    steps: list[str] = []

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            for step in ("first", "second"):
                with pytest.raises(TimeoutError):
                    async with limit(0.01):
                        await asyncio.Event().wait()
                steps.append(step)
            await asyncio.Event().wait()

    async def closed() -> bool:
        return steps == ["first", "second"]

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    await until(closed, what="both steps")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
