"""Code that ends when it is cancelled runs in its caller's asyncio task, within its limit."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from core.errors import (
    AppError,
    LeaseLostError,
    TokenBudgetExceededError,
    UnexpectedError,
)
from core.time_limit import TimeLimit, in_line
from workflow.failures import Retryable
from workflow.trying import bounded, heeding

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SHORT_S = 0.05
LONG_S = 30.0


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def _within(seconds: float, work: Callable[[], Awaitable[object]]) -> object:
    """Do some work within a limit; see that nothing of it is left when that has ended."""
    task = asyncio.current_task()
    assert task is not None
    try:
        return await heeding(work, limit=TimeLimit(seconds))
    finally:
        assert not task.cancelling()
        await asyncio.sleep(0)  # where a cancellation that is left would be noticed
        with in_line():
            pass  # no limit is told of it, or it would run again
        await asyncio.sleep(0)


async def test_what_it_gives_comes_back() -> None:
    """Also the second and third time in the same task."""
    for number in range(3):
        assert await _within(LONG_S, partial(asyncio.sleep, 0, number)) == number


async def test_the_limit_ends_it() -> None:
    """It is cancelled, and the caller goes on."""
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await _within(SHORT_S, _for_ever)
    assert SHORT_S < time.monotonic() - began < LONG_S


async def test_it_may_be_ended_before_its_time() -> None:
    """A limit that somebody expires ends the work at once."""
    limit = TimeLimit(LONG_S)
    asyncio.get_running_loop().call_later(SHORT_S, limit.expire)
    with pytest.raises(TimeoutError):
        await heeding(_for_ever, limit=limit)


async def test_who_cancels_the_caller_cancels_it() -> None:
    """The caller's own cancellation is no time limit, even when both come together."""
    for seconds in (LONG_S, 0.0):
        task = asyncio.create_task(heeding(_for_ever, limit=TimeLimit(seconds)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()


async def test_waits_in_line_do_not_count() -> None:
    """What waits for its turn has its time left afterwards."""

    async def work() -> str:
        with in_line():
            await asyncio.sleep(3 * SHORT_S)
        return "done"

    assert await _within(2 * SHORT_S, work) == "done"


async def test_a_limit_within_a_limit() -> None:
    """The inner one tells the work alone; the outer one ends both, also at the same time."""

    async def inner() -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SHORT_S):
                await _for_ever()
        return "went on"

    assert await _within(LONG_S, inner) == "went on"

    async def both() -> None:
        async with asyncio.timeout(LONG_S):
            await _for_ever()

    with pytest.raises(TimeoutError):
        await _within(SHORT_S, both)


async def test_errors() -> None:
    """One of ours passes; any other is an unexpected one, and so is a cancellation by nobody."""
    ours = AppError("It cannot be done.", code="told_to_fail")
    for error, wanted in (
        (ours, AppError),
        (ValueError("x"), UnexpectedError),
        (TimeoutError("its own"), UnexpectedError),
        (SystemExit(3), UnexpectedError),
        (asyncio.CancelledError(), UnexpectedError),
    ):

        async def fail(error: BaseException = error) -> None:
            await asyncio.sleep(0)
            raise error

        with pytest.raises(wanted) as raised:
            await _within(LONG_S, fail)
        assert (raised.value is ours) == (error is ours)


@pytest.mark.parametrize("run", [heeding, partial(bounded, name="work")])
async def test_several_errors_at_once(run: Callable[..., Awaitable[object]]) -> None:
    """The gravest counts: what nobody expected before what may pass, however deep it stands."""
    deep: Exception = ValueError("the real one")
    for _ in range(3000):
        deep = ExceptionGroup("several", [deep])
    budget, busy = TokenBudgetExceededError(), Retryable("busy")
    lost = LeaseLostError()
    cases: tuple[tuple[list[Exception], type[AppError]], ...] = (
        ([busy, deep], UnexpectedError),
        ([busy, budget], TokenBudgetExceededError),
        ([budget, deep, lost], LeaseLostError),
        ([busy, busy], Retryable),
    )
    for errors, wanted in cases:

        async def fail(errors: list[Exception] = errors) -> None:
            raise ExceptionGroup("both", errors)

        with pytest.raises(wanted) as raised:
            await run(fail, limit=TimeLimit(LONG_S))
        if wanted is UnexpectedError:
            assert "the real one" in raised.value.details["trace"]


@pytest.mark.parametrize("run", [heeding, partial(bounded, name="work")])
async def test_its_place_is_told(run: Callable[..., Awaitable[object]]) -> None:
    """Where it was raised stands in the trace, also of a long message and of a cancellation."""

    async def cancels_itself() -> None:
        raise asyncio.CancelledError

    async def says_much() -> None:
        raise ValueError("x" * 100_000)

    for work in (cancels_itself, says_much):
        with pytest.raises(UnexpectedError) as raised:
            await run(work, limit=TimeLimit(LONG_S))
        trace = raised.value.details["trace"]
        assert f"in {work.__name__}" in trace
        assert len(trace) < 9000
