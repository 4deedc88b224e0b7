"""How a process slows down and recovers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm.backoff import RAMP_PER_S, Backoff


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return what it was set to."""
        return self.now


def test_nothing_is_held_back_before_a_refusal() -> None:
    """All slots may be used at once from the first moment."""
    assert Backoff(64, clock=Clock()).allowed() == 64


def test_a_refusal_pauses_then_lets_calls_in_one_by_one() -> None:
    """Nothing begins in the pause; afterwards not all at once, and fewer than before."""
    clock = Clock()
    backoff = Backoff(64, clock=clock)
    backoff.slow_down(running=40, pause_s=3)
    clock.now += 2.9
    assert backoff.allowed() == 0
    clock.now += 0.1001
    assert backoff.allowed() == 1
    clock.now += 5 / RAMP_PER_S
    assert backoff.allowed() == 6
    clock.now += 60
    assert backoff.allowed() == 28


def test_a_longer_pause_stays() -> None:
    """A second, shorter wish to wait does not cut the first one short."""
    clock = Clock()
    backoff = Backoff(8, clock=clock)
    backoff.slow_down(running=8, pause_s=10)
    backoff.pause(1)
    clock.now += 5
    assert backoff.allowed() == 0


@given(st.integers(1, 200), st.lists(st.booleans(), max_size=300))
def test_it_recovers_and_never_leaves_its_bounds(most: int, refusals: list[bool]) -> None:
    """Whatever happens at least one call may run, never more than the limit; success heals."""
    clock = Clock()
    backoff = Backoff(most, clock=clock)
    for refused in refusals:
        clock.now += 100
        if refused:
            backoff.slow_down(running=backoff.allowed(), pause_s=0)
        else:
            backoff.succeed()
        assert 1 <= backoff.allowed() <= most
    for _ in range(most * most):
        backoff.succeed()
    clock.now += 100
    assert backoff.allowed() == most
