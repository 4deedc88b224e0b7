"""A time limit within a task that is being cancelled."""

from __future__ import annotations

import asyncio

import pytest

from core import timeouts


@pytest.mark.parametrize("limit", [timeouts.timeout, timeouts.CarefulTimeout])
async def test_it_ends_in_a_timeout_on_the_way_out_of_a_cancelled_task(limit: object) -> None:
    """What closes things step by step goes on to the next one; a new cancellation still ends it."""
    steps: list[str] = []

    async def hangs() -> None:
        when = asyncio.get_running_loop().time() + 0.01
        async with timeouts.timeout(0.01) if limit is timeouts.timeout else limit(when):  # type: ignore[operator]
            await asyncio.Event().wait()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for step in ("first", "second"):
                with pytest.raises(TimeoutError):
                    await hangs()
                steps.append(step)
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    while len(steps) < 2:  # noqa: ASYNC110 - a few turns of the loop
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
