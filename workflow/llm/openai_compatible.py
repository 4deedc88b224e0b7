"""The author behind any OpenAI-compatible server.

There is one retry layer, here: the SDK's own is switched off, or the two would multiply.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx2
import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter, wait_random

from core.errors import (
    ContentInvalidError,
    ProviderError,
    ProviderRateLimitedError,
    ProviderTimeoutError,
    ProviderUnauthorizedError,
    SettingsError,
)
from core.logging import get_logger
from core.loop_local import LoopLocal
from workflow.llm.calls import Call, Completion, T
from workflow.llm.conversation import Conversation
from workflow.llm.failures import TransientError, failure_of
from workflow.llm.schema import strict_schema
from workflow.llm.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from core.settings import Settings
    from workflow.llm.cluster import Cluster

TRIES: Final = 4
BACKOFF_S: Final = 0.5
_LONGEST_BACKOFF_S: Final = 20.0
_CONNECT_S: Final = 10.0
_LARGEST_BODY: Final = 8_000_000
"""Bytes: the largest answer, escaped, and some room. What is longer is not read to its end."""

_NO_KEY: Final = "none"
"""Local servers want no key, but the SDK reads OPENAI_API_KEY when it is given none."""

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Connection:
    client: openai.AsyncOpenAI
    turns: Turns


class OpenAIAuthor:
    """An `Author` that asks a server for structured chat completions.

    One instance serves several event loops; each has its own connections and its own line for
    the provider (`Turns`), made in the loop at its first call.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cluster: Callable[[], Cluster] | None = None,
        backoff_s: float = BACKOFF_S,
    ) -> None:
        """Take address, key, model and limits from the settings; connect nothing yet.

        Args:
            settings: The `llm_…` settings count.
            cluster: Makes what is shared with other processes; without it limits hold here alone.
            backoff_s: The first pause between tries; it doubles from one to the next.

        Raises:
            SettingsError: LLM_BASE_URL is not an http or https address.
        """
        self._settings = settings
        self._base_url = _checked_address(settings.llm_base_url)
        secret = settings.llm_api_key.get_secret_value().strip() if settings.llm_api_key else ""
        self._key = secret or _NO_KEY
        self._cluster = cluster
        self._backoff_s = backoff_s
        self._connections: LoopLocal[_Connection] = LoopLocal(self._connect)

    async def complete(
        self, call: Call[T], *, on_retry: Callable[[str], Awaitable[None]] | None = None
    ) -> Completion[T]:
        """Ask the server, again where that may help, until the answer has its shape.

        Failures of the connection, 408, 409, 425, 429 and 5xx are tried four times in all,
        with Retry-After honoured; an answer that does not fit is repaired at most twice, one that
        was cut off is asked for once more.

        Raises:
            ProviderError: One of its subclasses, with `details["usage"]`.
        """
        conversation = Conversation(call, on_retry=on_retry)
        turns = self._connections.get().turns
        try:
            return await self._retrying(call, conversation)
        except TransientError as failure:
            error = failure.error
        except ProviderError as final:
            error = final
        finally:
            spent = conversation.usage
            turns.settle(expected=call.expected_tokens * spent.calls, used=spent.tokens)
        error.details["usage"] = conversation.usage
        _log.warning("completion_failed", kind=call.kind, code=error.code)
        raise error

    async def aclose(self) -> None:
        """Close the running loop's connections."""
        connection = self._connections.pop()
        if connection is not None:
            await connection.turns.aclose()
            await connection.client.close()

    async def _retrying(self, call: Call[T], conversation: Conversation[T]) -> Completion[T]:
        async def before_sleep(state: RetryCallState) -> None:
            failure = state.outcome.exception() if state.outcome else None
            if isinstance(failure, TransientError):
                _log.info("completion_retried", kind=call.kind, code=failure.error.code)
                await conversation.told(failure.error.code)

        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=self._pause,
            retry=retry_if_exception_type(TransientError),
            before_sleep=before_sleep,
            reraise=True,
        )
        value: T = await retrying(
            conversation.finish, lambda messages: self._request(call, messages)
        )
        return Completion(value=value, usage=conversation.usage)

    def _pause(self, state: RetryCallState) -> float:
        backoff = wait_exponential_jitter(
            multiplier=self._backoff_s, max=_LONGEST_BACKOFF_S, jitter=self._backoff_s
        )(state)
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.retry_after_s if isinstance(failure, TransientError) else None
        if asked is None:
            return backoff
        # A little more than asked for, by chance: all who were sent away do not come back at once.
        return asked + wait_random(0, self._backoff_s)(state)

    async def _request(self, call: Call[T], messages: list[dict[str, str]]) -> bytes:
        if not self._key.isascii() or not self._key.isprintable():
            raise ProviderUnauthorizedError(
                "LLM_API_KEY contains characters that no key has; copy it again, then retry."
            )
        connection = self._connections.get()
        async with connection.turns.turn(user=call.user, tokens=call.expected_tokens) as turn:
            try:
                # The SDK's time-out is per read: a server that trickles never reaches it.
                async with asyncio.timeout(self._settings.llm_timeout_s):
                    return await self._post(connection.client, call, messages)
            except TimeoutError:
                raise TransientError(ProviderTimeoutError()) from None
            except (openai.OpenAIError, httpx2.HTTPError) as error:
                failure = failure_of(error, key=self._key)
                if isinstance(failure, TransientError) and isinstance(
                    failure.error, ProviderRateLimitedError
                ):
                    turn.refused(retry_after_s=failure.retry_after_s)
                raise failure from None

    async def _post(
        self, client: openai.AsyncOpenAI, call: Call[T], messages: list[dict[str, str]]
    ) -> bytes:
        request: dict[str, Any] = {
            "model": self._settings.llm_model,
            "messages": messages,
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": call.kind.value,
                    "strict": True,
                    "schema": strict_schema(call.output),
                },
            },
        }
        if call.max_tokens is not None:
            request[self._limit_name()] = call.max_tokens
        create = client.chat.completions.with_streaming_response.create
        body = bytearray()
        # Read by hand, so that a server's size and shape of answer is bounded by us.
        async with create(**request) as response:
            async for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _LARGEST_BODY:
                    raise ContentInvalidError(f"{ContentInvalidError.__doc__} (far too long)")
        return bytes(body)

    def _limit_name(self) -> str:
        # OpenAI's newer models refuse the old name; most other servers know only that.
        host = urlsplit(self._base_url).hostname or ""
        return "max_completion_tokens" if host.endswith("openai.com") else "max_tokens"

    def _connect(self) -> _Connection:
        limit_s = self._settings.llm_timeout_s
        client = openai.AsyncOpenAI(
            base_url=self._base_url,
            api_key=self._key,
            # Given here, it also wins over an Authorization header in OPENAI_CUSTOM_HEADERS.
            default_headers={"Authorization": f"Bearer {self._key}"},
            max_retries=0,
            timeout=openai.Timeout(limit_s, connect=min(limit_s, _CONNECT_S)),
            # A redirect would send the learner's words to an address nobody has configured.
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
        )
        # The SDK fills these from OPENAI_ORG_ID and OPENAI_PROJECT_ID, which belong to others.
        client.organization = client.project = None
        cluster = self._cluster() if self._cluster else None
        return _Connection(client=client, turns=Turns(self._settings, cluster=cluster))


def _checked_address(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError("ROADMAP_LLM_BASE_URL: must begin with http:// or https:// and a host")
    return url.strip()
