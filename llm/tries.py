"""How often a call is tried, and how long is waited in between."""

from __future__ import annotations

import asyncio
import random
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, TypeVar

from core.logging import get_logger
from core.provider_errors import ProviderRateLimitedError, ProviderTimeoutError
from core.time_limit import in_line
from llm.failures import TransientError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from llm.conversation import Ask, Conversation

T = TypeVar("T", bound="BaseModel")

TRIES: Final = 6
"""With one request in seven failing in passing, one call in ten thousand is given up."""
TIMED_OUT_TRIES: Final = 3
BACKOFF_S: Final = 0.5
_LONGEST_BACKOFF_S: Final = 20.0

_log = get_logger(__name__)


class Tries:
    """The one retry layer: what fails in passing is tried again, from where it stopped."""

    def __init__(
        self,
        *,
        most: int = TRIES,
        timed_out: int = TIMED_OUT_TRIES,
        backoff_s: float = BACKOFF_S,
    ) -> None:
        """Take the bounds.

        Args:
            most: How often a request is made at most.
            timed_out: How often when it is not answered in time, which costs its whole limit.
            backoff_s: The first pause; it doubles from one to the next.
        """
        self._most = most
        self._timed_out = timed_out
        self._backoff_s = backoff_s

    async def finish(self, conversation: Conversation[T], ask: Ask) -> T:
        """Return what the conversation ends with.

        Raises:
            TransientError: The last try failed, too.
            ProviderError: A failure that no other try gets past.
        """
        tried = 0
        while True:
            try:
                return await conversation.finish(ask)
            except TransientError as error:
                failure = error
            tried += 1
            if tried >= self._most_after(failure):
                raise failure
            _log.info("completion_retried", kind=conversation.kind, code=failure.error.code)
            await conversation.told(failure.error.code)
            # no step can make the wait for a limit shorter: its time stands still
            with in_line() if _is_limit(failure) else nullcontext():
                await asyncio.sleep(self._pause_s(tried, failure))

    def _most_after(self, failure: TransientError) -> int:
        """Return how many tries there are in all when this is how one ended."""
        timed_out = isinstance(failure.error, ProviderTimeoutError)
        return min(self._most, self._timed_out) if timed_out else self._most

    def _pause_s(self, tried: int, failure: TransientError) -> float:
        by_chance = random.uniform(0, self._backoff_s)  # noqa: S311 - no secret
        if failure.retry_after_s is not None:
            # A little more than asked for: all who were sent away do not come back at once.
            return failure.retry_after_s + by_chance
        doubled: float = self._backoff_s * 2 ** (tried - 1)
        return min(_LONGEST_BACKOFF_S, doubled + by_chance)


def _is_limit(failure: TransientError) -> bool:
    """Tell whether the server works, and only lets us wait."""
    limited = isinstance(failure.error, ProviderRateLimitedError)
    return limited or failure.retry_after_s is not None
