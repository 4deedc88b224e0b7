"""The author behind any OpenAI-compatible server.

There is one retry layer, here; what carries a request to the server (`llm.wire`) has none.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import timeouts
from core.logging import get_logger
from core.loop_local import LoopLocal
from core.provider_errors import (
    ProviderError,
    ProviderRateLimitedError,
    ProviderTimeoutError,
    ProviderUnauthorizedError,
)
from core.usage import Usage
from llm.abilities import Abilities
from llm.calls import Call, Completion, OnRetry, OnText, T
from llm.connection import NO_KEY, UNSENDABLE, is_sendable, key_meant, target_of
from llm.conversation import REPAIRS, AskDifferentlyError, Conversation
from llm.failures import (
    BadAddressError,
    RefusedError,
    RejectedAnswerError,
    Told,
    TransientError,
    UnconnectedError,
    WireError,
    failure_of,
    failure_told,
)
from llm.learned import Learned, Manner
from llm.presets import base_url_of, model_of, preset_of
from llm.reading.rules import rules_of
from llm.receiving import received
from llm.reply import Reply
from llm.roots import has_root, held, taken_out
from llm.text_field import LiveText
from llm.tries import BACKOFF_S, TIMED_OUT_TRIES, TRIES, Tries
from llm.turns import Turn, Turns
from llm.wire import CONNECT_S, Wire, open_wire, packed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from core.settings import Settings
    from llm.cluster import Cluster
    from llm.conversation import Messages
    from llm.learned import Memory

    OnContent = Callable[[str], None]

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Connection:
    wire: Wire
    turns: Turns
    recalled: asyncio.Task[None]
    """Whether what was learned before is known again; no request is made before that."""


class OpenAIAuthor:
    """An `Author` that asks a server for structured chat completions.

    One instance serves several event loops; each has its own connections and its own line for
    the provider (`Turns`), made in the loop at its first call.

    Attributes:
        learned: How the server is asked. What it refuses once is not asked of it again, so that it
            costs one request and not one per call.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cluster: Callable[[], Cluster] | None = None,
        backoff_s: float = BACKOFF_S,
        tries: int = TRIES,
        timed_out_tries: int = TIMED_OUT_TRIES,
        repairs: int = REPAIRS,
        memory: Memory | None = None,
    ) -> None:
        """Take address, key, model and limits from the settings; connect nothing yet.

        Args:
            settings: The `llm_…` settings count.
            cluster: Makes what is shared with other processes; without it limits hold here alone.
            backoff_s: The first pause between tries; it doubles from one to the next.
            tries: How often a request is made at most when it fails in passing.
            timed_out_tries: How often when it is not answered in time.
            repairs: How often an answer that does not fit is asked for again.
            memory: Keeps over restarts what is learned of the server.

        Raises:
            SettingsError: LLM_BASE_URL is not an http or https address, or LLM_MODEL is missing.
        """
        self._settings = settings
        self._base_url = base_url_of(settings)
        self._model = model_of(settings)
        self.learned = Learned(Abilities.of(preset_of(settings)), memory=memory)
        self._key = key_meant(settings.llm_api_key) or NO_KEY
        self._cluster = cluster
        self._tries = Tries(most=tries, timed_out=timed_out_tries, backoff_s=backoff_s)
        self._repairs = repairs
        self._connections: LoopLocal[_Connection] = LoopLocal(self._connect)

    def complete(
        self, call: Call[T], *, on_retry: OnRetry | None = None
    ) -> Coroutine[Any, Any, Completion[T]]:
        """Ask the server, again where that may help, until the answer has its shape.

        Failures of the connection, 408, 409, 424, 425, 429 and 5xx are tried six times in all, with
        Retry-After honoured, a time-out three times; an answer that does not fit is repaired at
        most twice, one that was cut off is asked for once more.

        Raises:
            ProviderError: One of its subclasses, with `details["usage"]`.
        """
        if has_root(call):
            return self._complete_root(call, on_retry)
        return self._finish(call, on_retry, lambda: None)

    async def _complete_root(self, call: Call[T], on_retry: OnRetry | None) -> Completion[T]:
        return taken_out(await self._finish(held(call), on_retry, lambda: None))

    async def stream(
        self, call: Call[T], *, field: str, on_text: OnText, on_retry: OnRetry | None = None
    ) -> Completion[T]:
        """Do the same with a stream, and hand out a field's text as it comes.

        Raises:
            ProviderError: One of its subclasses, with `details["usage"]`.
        """
        if has_root(call):  # it has no fields, and is shown when it is complete
            return await self._complete_root(call, on_retry)
        live = LiveText(field, on_text, wrappers=rules_of(call.output).wrappers)
        completion = await self._finish(call, on_retry, live.begin, shown=field)
        live.settle(getattr(completion.value, field))
        return completion

    async def _finish(
        self,
        call: Call[T],
        on_retry: OnRetry | None,
        listener: Callable[[], OnContent | None],
        *,
        shown: str | None = None,
    ) -> Completion[T]:
        conversation = Conversation(
            call, on_retry=on_retry, repairs=self._repairs, key=self._key, shown=shown
        )
        connection = self._connections.get()
        if not connection.recalled.done():
            await asyncio.wait({connection.recalled})
        manner = Manner(self.learned)
        try:
            value: T = await self._tries.finish(
                conversation,
                lambda messages, asked: self._request(asked, messages, listener(), manner),
            )
            return Completion(value=value, usage=conversation.usage)
        except TransientError as failure:
            error = failure.error
        except ProviderError as final:
            error = final
        finally:
            spent = conversation.usage
            connection.turns.settle(expected=call.expected_tokens * spent.calls, used=spent.tokens)
        error.details["usage"] = conversation.usage
        _log.warning("completion_failed", kind=call.kind, code=error.code)
        raise error

    async def recalled(self) -> None:
        """Wait until it is known what was learned of the server before."""
        await asyncio.wait({self._connections.get().recalled})

    async def aclose(self) -> None:
        """Close the running loop's connections."""
        connection = self._connections.pop()
        if connection is not None:
            connection.recalled.cancel()
            await self.learned.aclose()
            await connection.turns.aclose()
            await connection.wire.aclose()

    async def _request(
        self,
        call: Call[T],
        messages: Messages,
        on_content: OnContent | None,
        manner: Manner,
    ) -> Reply:
        if not is_sendable(self._key):
            raise ProviderUnauthorizedError(UNSENDABLE)
        connection = self._connections.get()
        async with connection.turns.turn(user=call.user, tokens=call.expected_tokens) as turn:
            seen = manner.abilities
            request = seen.request(
                call, messages(), model=self._model, stream=on_content is not None
            )
            told: Told | None = None
            failure: TransientError | ProviderError | RejectedAnswerError
            try:
                # The whole request is bounded, so that a server that trickles ends, too.
                async with timeouts.timeout(self._settings.llm_timeout_s):
                    reply = await self._post(connection.wire, request, on_content)
            except UnconnectedError as error:
                raise TransientError(ProviderTimeoutError(str(error))) from None
            except TimeoutError:
                raise TransientError(ProviderTimeoutError()) from None
            except (WireError, BadAddressError) as error:
                failure = failure_of(error)
            except RefusedError as refused:
                told = refused.told
                failure = failure_told(told, key=self._key, served=self.learned.served)
            except (TransientError, ProviderError, RejectedAnswerError) as said:
                told, failure = _told_in(said), said
            else:
                manner.answered(request)
                if manner.was_cut_by_default(request, reply):
                    raise AskDifferentlyError(reply.usage)
                return reply
            return self._after(failure, told, manner, request=request, seen=seen, turn=turn)

    def _after(
        self,
        failure: TransientError | ProviderError | RejectedAnswerError,
        told: Told | None,
        manner: Manner,
        *,
        request: dict[str, Any],
        seen: Abilities,
        turn: Turn,
    ) -> Reply:
        """Return what is an answer after all, or raise what a failure means.

        Raises:
            AskDifferentlyError: It refuses something that can be left out.
            TransientError: It may be over at the next try.
            ProviderError: It is final.
        """
        if isinstance(failure, RejectedAnswerError):
            manner.answered(request)
            reason = "length" if failure.cut else "stop"
            return Reply(content=failure.draft, finish_reason=reason, refusal="", usage=Usage())
        if told is not None and manner.goes_round(told, request, seen=seen):
            raise AskDifferentlyError
        if isinstance(failure, TransientError) and isinstance(
            failure.error, ProviderRateLimitedError
        ):
            turn.refused(retry_after_s=failure.retry_after_s)
        raise failure

    async def _post(
        self, wire: Wire, request: dict[str, Any], on_content: OnContent | None
    ) -> Reply:
        async with wire.post(packed(request)) as answer:
            return await received(answer, key=self._key, on_content=on_content)

    def _connect(self) -> _Connection:
        cluster = self._cluster() if self._cluster else None
        try:
            wire = open_wire(
                target_of(self._base_url, key=self._key),
                connect_s=min(self._settings.llm_timeout_s, CONNECT_S),
            )
        except BadAddressError as error:
            raise failure_of(error) from None
        return _Connection(
            wire=wire,
            turns=Turns(self._settings, cluster=cluster),
            recalled=asyncio.ensure_future(self.learned.recall()),
        )


def _told_in(failure: TransientError | ProviderError | RejectedAnswerError) -> Told | None:
    """Return what a server said within an answer with 200."""
    if isinstance(failure, TransientError):
        return failure.told
    told = failure.details.get("told") if isinstance(failure, ProviderError) else None
    return told if isinstance(told, Told) else None
