"""Limits per minute as windows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm.rates import Rates, window


@given(st.integers(1, 10**6), st.integers(1, 50_000))
def test_windows(per_minute: int, least: int) -> None:
    """The windows of a minute allow no more than the limit, and not much less."""
    amount, seconds = window(per_minute, least=least)
    assert 60 % seconds == 0
    assert 0.95 * per_minute <= amount * 60 / seconds <= per_minute
    assert amount >= least or seconds == 60


def test_short_windows_where_they_can_be() -> None:
    """Sixty a minute are one a second, not sixty at once; seven need their minute."""
    assert window(60) == (1, 1)
    assert window(600) == (10, 1)
    assert window(90) == (3, 2)
    assert window(7) == (7, 60)


async def test_one_process_sends_evenly() -> None:
    """The first request goes at once, the next one interval later."""
    rates = Rates(scope="s", requests=600, tokens=0)
    assert await rates.take(0) == 0
    assert 0.05 < await rates.take(0) <= 0.1


async def test_tokens_are_paid_for_in_the_end() -> None:
    """A request that took more than expected makes the next ones wait; one that took less, not."""
    rates = Rates(scope="s", requests=0, tokens=1000)
    assert await rates.take(400) == 0
    rates.settle(expected=400, used=900)
    assert await rates.take(400) > 0
    rates.settle(expected=400, used=0)
    rates.settle(expected=400, used=0)
    assert await rates.take(400) == 0


async def test_a_request_is_not_paid_twice_while_tokens_are_awaited() -> None:
    """The request's share stays taken; only the tokens are asked for again."""
    asked: list[str] = []

    async def hit(_item: object, _scope: str, what: str, *, cost: int = 1) -> bool:
        asked.append(what)
        return what == "requests" or asked.count("tokens") > 3

    rates = Rates(scope="s", requests=60, tokens=60, hit=hit)
    assert [bool(await rates.take(5)) for _ in range(4)] == [True, True, True, False]
    assert asked == ["requests", *["tokens"] * 4]
