"""The author behind any OpenAI-compatible server.

There is one retry layer, here: the SDK's own is switched off, or the two would multiply.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx2
import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_exponential_jitter, wait_random

from core.errors import (
    ProviderError,
    ProviderRateLimitedError,
    ProviderTimeoutError,
    ProviderUnauthorizedError,
)
from core.logging import get_logger
from core.loop_local import LoopLocal
from workflow.llm.abilities import Abilities
from workflow.llm.calls import Call, Completion, OnRetry, OnText, T
from workflow.llm.conversation import REPAIRS, AskDifferentlyError, Conversation
from workflow.llm.failures import TransientError, failure_of, told_by
from workflow.llm.presets import base_url_of, model_of, preset_of
from workflow.llm.reply import ReplyReader
from workflow.llm.text_field import TextField
from workflow.llm.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.settings import Settings
    from workflow.llm.cluster import Cluster
    from workflow.llm.conversation import Ask
    from workflow.llm.reply import Reply

    OnContent = Callable[[str], None]

TRIES: Final = 6
"""With one request in seven failing in passing, one call in ten thousand is given up."""
TIMED_OUT_TRIES: Final = 3
BACKOFF_S: Final = 0.5
_LONGEST_BACKOFF_S: Final = 20.0
_CONNECT_S: Final = 10.0
_LAST_BYTES_S: Final = 1.0

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

    Attributes:
        abilities: How the server is asked. What it refuses once is not asked of it again by this
            process, so that it costs one request and not one per call.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cluster: Callable[[], Cluster] | None = None,
        backoff_s: float = BACKOFF_S,
        tries: int = TRIES,
        repairs: int = REPAIRS,
    ) -> None:
        """Take address, key, model and limits from the settings; connect nothing yet.

        Args:
            settings: The `llm_…` settings count.
            cluster: Makes what is shared with other processes; without it limits hold here alone.
            backoff_s: The first pause between tries; it doubles from one to the next.
            tries: How often a request is made at most when it fails in passing.
            repairs: How often an answer that does not fit is asked for again.

        Raises:
            SettingsError: LLM_BASE_URL is not an http or https address, or LLM_MODEL is missing.
        """
        self._settings = settings
        self._base_url = base_url_of(settings)
        self._model = model_of(settings)
        self.abilities = Abilities.of(preset_of(settings))
        secret = settings.llm_api_key.get_secret_value().strip() if settings.llm_api_key else ""
        self._key = secret or _NO_KEY
        self._cluster = cluster
        self._backoff_s = backoff_s
        self._tries = tries
        self._repairs = repairs
        self._connections: LoopLocal[_Connection] = LoopLocal(self._connect)

    async def complete(self, call: Call[T], *, on_retry: OnRetry | None = None) -> Completion[T]:
        """Ask the server, again where that may help, until the answer has its shape.

        Failures of the connection, 408, 409, 425, 429 and 5xx are tried six times in all, with
        Retry-After honoured, a time-out three times; an answer that does not fit is repaired at
        most twice, one that was cut off is asked for once more.

        Raises:
            ProviderError: One of its subclasses, with `details["usage"]`.
        """
        return await self._finish(call, on_retry, lambda: None)

    async def stream(
        self, call: Call[T], *, field: str, on_text: OnText, on_retry: OnRetry | None = None
    ) -> Completion[T]:
        """Do the same with a stream, and hand out a field's text as it comes.

        Raises:
            ProviderError: One of its subclasses, with `details["usage"]`.
        """
        return await self._finish(call, on_retry, lambda: _handing_out(field, on_text))

    async def _finish(
        self, call: Call[T], on_retry: OnRetry | None, listener: Callable[[], OnContent | None]
    ) -> Completion[T]:
        conversation = Conversation(call, on_retry=on_retry, repairs=self._repairs)
        turns = self._connections.get().turns
        try:
            return await self._retrying(
                call, conversation, lambda messages: self._request(call, messages, listener())
            )
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

    async def _retrying(
        self, call: Call[T], conversation: Conversation[T], ask: Ask
    ) -> Completion[T]:
        async def before_sleep(state: RetryCallState) -> None:
            failure = state.outcome.exception() if state.outcome else None
            if isinstance(failure, TransientError):
                _log.info("completion_retried", kind=call.kind, code=failure.error.code)
                await conversation.told(failure.error.code)

        retrying = AsyncRetrying(
            stop=self._stop,
            wait=self._pause,
            retry=retry_if_exception_type(TransientError),
            before_sleep=before_sleep,
            reraise=True,
        )
        value: T = await retrying(conversation.finish, ask)
        return Completion(value=value, usage=conversation.usage)

    def _stop(self, state: RetryCallState) -> bool:
        failure = state.outcome.exception() if state.outcome else None
        timed_out = isinstance(failure, TransientError) and isinstance(
            failure.error, ProviderTimeoutError
        )
        # A time-out has cost its whole limit already.
        return state.attempt_number >= min(self._tries, TIMED_OUT_TRIES if timed_out else TRIES)

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

    async def _request(
        self, call: Call[T], messages: list[dict[str, str]], on_content: OnContent | None
    ) -> Reply:
        if not self._key.isascii() or not self._key.isprintable():
            raise ProviderUnauthorizedError(
                "ROADMAP_LLM_API_KEY has characters that no key has; copy it again, then retry."
            )
        connection = self._connections.get()
        async with connection.turns.turn(user=call.user, tokens=call.expected_tokens) as turn:
            seen = self.abilities
            request = seen.request(call, messages, model=self._model, stream=on_content is not None)
            try:
                # The SDK's time-out is per read: a server that trickles never reaches it.
                async with asyncio.timeout(self._settings.llm_timeout_s):
                    return await self._post(connection.client, request, on_content)
            except TimeoutError:
                raise TransientError(ProviderTimeoutError()) from None
            except (openai.OpenAIError, httpx2.HTTPError) as error:
                self._learn_from(error, request, seen)
                failure = failure_of(error, key=self._key)
            except TransientError as told:
                failure = told
            if isinstance(failure, TransientError) and isinstance(
                failure.error, ProviderRateLimitedError
            ):
                turn.refused(retry_after_s=failure.retry_after_s)
            raise failure

    def _learn_from(self, error: Exception, request: dict[str, Any], seen: Abilities) -> None:
        """Leave out from now on what an error refuses of a request.

        Raises:
            AskDifferentlyError: It does refuse something that can be left out.
        """
        if not isinstance(error, openai.APIStatusError):
            return
        told = told_by(error)
        feature = seen.refused(told, request)
        if feature is not None:
            self.abilities = self.abilities.without(feature, seen=seen)
            _log.info("feature_refused", feature=feature, status=told.status)
            raise AskDifferentlyError from None

    async def _post(
        self, client: openai.AsyncOpenAI, request: dict[str, Any], on_content: OnContent | None
    ) -> Reply:
        create = client.chat.completions.with_streaming_response.create
        # The SDK walks through all that it knows the type of; a schema would take it milliseconds.
        known = {name: request[name] for name in ("model", "messages")}
        rest = {name: value for name, value in request.items() if name not in known}
        # Read by hand, so that the size and the shape of what a server sends is bounded by us.
        async with create(**known, extra_body=rest) as response:
            reader = ReplyReader(
                key=self._key,
                media_type=response.headers.get("content-type", ""),
                on_content=on_content,
            )
            chunks = response.iter_bytes()
            async for chunk in chunks:
                if not reader.feed(chunk) or reader.ended:
                    break
            if reader.ended:
                # Tokens may follow, and a connection that was read to its end can be used again.
                with contextlib.suppress(TimeoutError, httpx2.HTTPError):
                    async with asyncio.timeout(_LAST_BYTES_S):
                        async for chunk in chunks:
                            reader.feed(chunk)
        return reader.reply()

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


def _handing_out(field: str, on_text: OnText) -> OnContent:
    """Return what takes the pieces of one answer and hands out its field's text, from 0."""
    text_field = TextField(field)
    offset = 0

    def on_content(piece: str) -> None:
        nonlocal offset
        if new := text_field.feed(piece):
            on_text(offset, new)
            offset += len(new)

    return on_content
