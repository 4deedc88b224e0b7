"""Requests and tokens per minute, counted by the `limits` library where all processes see it.

A limit of 600 a minute is kept as ten a second, and one process sends its requests one interval
apart: a burst of a whole minute's requests would be sent away by most providers. The counter goes
by the storage's clock (Redis's own), so that a worker whose clock is wrong does no harm.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Hit = Callable[..., Coroutine[None, None, bool]]

_MINUTE: Final = 60
_WINDOWS: Final = tuple(s for s in range(1, _MINUTE + 1) if _MINUTE % s == 0)
_USED: Final = 0.95
"""How much of a limit the windows must make use of; the shortest such one is taken."""
_FEW_LONG_CALLS: Final = 40_000
_LONGEST_POLL_S: Final = 1.0


def window(per_minute: int, *, least: int = 1) -> tuple[int, int]:
    """Return how a limit per minute is kept: an amount, and the seconds in which it may be used.

    Args:
        per_minute: The limit; together the windows of a minute never allow more.
        least: What a window should allow at least, if it is not the whole minute.
    """
    for seconds in _WINDOWS:
        amount = per_minute * seconds // _MINUTE
        if amount >= least and amount * _MINUTE >= _USED * per_minute * seconds:
            return amount, seconds
    return per_minute, _MINUTE


class Rates:
    """Hands out requests under both limits; 0 is no limit."""

    def __init__(self, *, scope: str, requests: int, tokens: int, hit: Hit | None = None) -> None:
        """Count for this process, or wherever `hit` does.

        Args:
            scope: What the limits belong to: one provider's model.
            requests: Per minute.
            tokens: Per minute.
            hit: Counts a cost against a rate; tells whether there was room.
        """
        self._hit = hit or SlidingWindowCounterRateLimiter(MemoryStorage()).hit
        self._scope = scope
        self._interval_s = _MINUTE / requests if requests else 0.0
        self._next_at = 0.0
        self._requests = _item(*window(requests)) if requests else None
        self._tokens = _item(*window(tokens, least=_FEW_LONG_CALLS)) if tokens else None
        self._request_taken = False
        self._owed = 0

    async def take(self, tokens: int) -> float:
        """Take one request that is expected to cost so many tokens.

        Returns:
            0 when it may be sent now, else after how many seconds to ask again.
        """
        if self._requests is not None and not self._request_taken:
            early_s = self._next_at - time.monotonic()
            if early_s > 0:
                return early_s
            if not await self._hit(self._requests, self._scope, "requests"):
                return _poll_s(self._requests)
            self._next_at = time.monotonic() + self._interval_s
            self._request_taken = True
        if self._tokens is not None:
            wanted = tokens + self._owed
            cost = max(1, min(wanted, self._tokens.amount))
            if not await self._hit(self._tokens, self._scope, "tokens", cost=cost):
                return _poll_s(self._tokens)
            self._owed = wanted - cost
        self._request_taken = False
        return 0.0

    def settle(self, *, expected: int, used: int) -> None:
        """Let the next request pay for what this one took beyond, or less than, expected."""
        if self._tokens is not None:
            self._owed += used - expected


def _item(amount: int, seconds: int) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(amount, seconds, namespace="roadmap")


def _poll_s(item: RateLimitItemPerSecond) -> float:
    """Return when to ask again: processes that were refused together come back apart."""
    each_s = item.get_expiry() / item.amount
    return min(_LONGEST_POLL_S, max(0.02, each_s)) * random.uniform(0.5, 1.0)  # noqa: S311
