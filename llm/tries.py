"""How often a call is tried, and how long is waited in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_exponential_jitter, wait_random

from core.errors import ProviderTimeoutError
from core.logging import get_logger
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

        async def before_sleep(state: RetryCallState) -> None:
            failure = _failure(state)
            if failure is not None:
                _log.info("completion_retried", kind=conversation.kind, code=failure.error.code)
                await conversation.told(failure.error.code)

        retrying = AsyncRetrying(
            stop=self._stop,
            wait=self._pause,
            retry=retry_if_exception_type(TransientError),
            before_sleep=before_sleep,
            reraise=True,
        )
        value: T = await retrying(conversation.finish, ask)
        return value

    def _stop(self, state: RetryCallState) -> bool:
        failure = _failure(state)
        timed_out = failure is not None and isinstance(failure.error, ProviderTimeoutError)
        return state.attempt_number >= min(self._most, self._timed_out if timed_out else TRIES)

    def _pause(self, state: RetryCallState) -> float:
        backoff = wait_exponential_jitter(
            multiplier=self._backoff_s, max=_LONGEST_BACKOFF_S, jitter=self._backoff_s
        )(state)
        failure = _failure(state)
        if failure is None or failure.retry_after_s is None:
            return backoff
        # A little more than asked for, by chance: all who were sent away do not come back at once.
        return failure.retry_after_s + wait_random(0, self._backoff_s)(state)


def _failure(state: RetryCallState) -> TransientError | None:
    failure = state.outcome.exception() if state.outcome else None
    return failure if isinstance(failure, TransientError) else None
