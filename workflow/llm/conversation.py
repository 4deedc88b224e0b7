"""One call as a conversation: the first question, then repairs until an answer fits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic

from core.errors import (
    ContentInvalidError,
    ContentRefusedError,
    ContentTruncatedError,
    ProviderError,
    ProviderUnavailableError,
)
from core.usage import Usage, read_usage
from workflow.llm.answers import UnusableAnswerError, parsed_json, read_answer
from workflow.llm.calls import Call, T
from workflow.llm.failures import TransientError, excerpt
from workflow.llm.prompts import render

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Ask = Callable[[list[dict[str, str]]], Awaitable[bytes]]
    OnRetry = Callable[[str], Awaitable[None]]

REPAIRS: Final = 2
_SHOWN_ANSWER: Final = 4000

_REPAIR: Final = (
    "That answer cannot be used. {problem}\n"
    "Answer again with one JSON object that fits the schema, and nothing else."
)
_SHORTER: Final = (
    "\n\nYour previous answer was cut off because it was too long. Answer again, complete and "
    "clearly shorter: at most half of the length you had in mind."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What counts in a provider's answer."""

    content: str
    finish_reason: str
    refusal: str
    usage: Usage


class Conversation(Generic[T]):
    """Keeps what was said, so that a try after a broken connection goes on where it stopped."""

    def __init__(self, call: Call[T], *, on_retry: OnRetry | None) -> None:
        """Write the opening messages of a call."""
        prompt = render(call.kind, call.inputs)
        self._call = call
        self._on_retry = on_retry
        self._system, self._user = prompt.system, prompt.user
        self._repair: list[dict[str, str]] = []
        self._repairs = 0
        self._shortened = False
        self.usage = Usage()

    async def finish(self, ask: Ask) -> T:
        """Ask until the answer fits.

        Args:
            ask: Sends messages and returns the body of the answer.

        Raises:
            TransientError: The provider failed in a way that another try may get past.
            ProviderError: The answer was refused, cut off or unusable for good.
        """
        while True:
            self.usage += Usage(calls=1)
            reply = read_reply(await ask(self._messages()))
            self.usage += reply.usage
            if reply.refusal or reply.finish_reason == "content_filter":
                raise ContentRefusedError(_refused(reply))
            if reply.finish_reason == "length":
                await self._ask_for_less()
                continue
            try:
                return read_answer(reply.content, self._call.output)
            except UnusableAnswerError as error:
                await self._ask_for_repair(reply.content, str(error))

    async def told(self, code: str) -> None:
        """Tell whoever listens that there will be a further try, and why."""
        if self._on_retry is not None:
            await self._on_retry(code)

    def _messages(self) -> list[dict[str, str]]:
        user = self._user + (_SHORTER if self._shortened else "")
        return [
            {"role": "system", "content": self._system},
            {"role": "user", "content": user},
            *self._repair,
        ]

    async def _ask_for_less(self) -> None:
        if self._shortened:
            raise ContentTruncatedError
        self._shortened = True
        self._repair = []
        await self.told(ContentTruncatedError.code)

    async def _ask_for_repair(self, answer: str, problem: str) -> None:
        if self._repairs >= REPAIRS:
            raise ContentInvalidError(f"{ContentInvalidError.__doc__} ({excerpt(problem)})")
        self._repairs += 1
        # Only the last answer is shown: the messages do not grow with each repair.
        self._repair = [
            {"role": "assistant", "content": _shown(answer)},
            {"role": "user", "content": _REPAIR.format(problem=problem)},
        ]
        await self.told(ContentInvalidError.code)


def read_reply(body: bytes) -> Reply:
    """Return what counts in the body of a chat completion.

    Raises:
        TransientError: It is no chat completion, such as the page of a proxy that is starting.
    """
    try:
        data = parsed_json(body.decode("utf-8", "replace"))
    except ValueError:
        raise TransientError(_unusable("its answer is not JSON")) from None
    choice = _first(data.get("choices")) if isinstance(data, dict) else None
    if choice is None or not isinstance(message := choice.get("message"), dict):
        told = data.get("error") if isinstance(data, dict) else None
        why = excerpt(json.dumps(told, ensure_ascii=False)) if told else "its answer has no choices"
        raise TransientError(_unusable(why))
    return Reply(
        content=_text(message.get("content")),
        finish_reason=_text(choice.get("finish_reason")),
        refusal=_text(message.get("refusal")),
        usage=read_usage(data.get("usage")),
    )


def _first(choices: Any) -> dict[str, Any] | None:
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _unusable(why: str) -> ProviderError:
    return ProviderUnavailableError(f"{ProviderUnavailableError.__doc__} ({why})")


def _refused(reply: Reply) -> str:
    why = reply.refusal or "the provider's content filter stopped the answer"
    return f"{ContentRefusedError.__doc__} ({excerpt(why)})"


def _shown(answer: str) -> str:
    shown = answer.encode("utf-8", "replace").decode() if answer else "(empty)"
    return shown if len(shown) <= _SHOWN_ANSWER else shown[:_SHOWN_ANSWER] + "\u2026"
