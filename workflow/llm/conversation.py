"""One call as a conversation: the first question, then repairs until an answer fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic

from core.errors import (
    ContentInvalidError,
    ContentRefusedError,
    ContentTruncatedError,
)
from core.usage import Usage
from workflow.llm.answers import UnusableAnswerError, read_answer
from workflow.llm.calls import Call, OnRetry, T
from workflow.llm.failures import excerpt, unavailable
from workflow.llm.prompts import render

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from workflow.llm.reply import Reply

    Ask = Callable[[list[dict[str, str]]], Awaitable[Reply]]

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


class AskDifferentlyError(Exception):
    """The server refused how it was asked, not what; the next request does without that."""

    def __init__(self, usage: Usage | None = None) -> None:
        """Keep what the server spent on an answer that is of no use."""
        self.usage = usage or Usage()
        super().__init__()


class Conversation(Generic[T]):
    """Keeps what was said, so that a try after a broken connection goes on where it stopped."""

    def __init__(
        self, call: Call[T], *, on_retry: OnRetry | None = None, repairs: int = REPAIRS
    ) -> None:
        """Write the opening messages of a call.

        Args:
            call: What is asked for.
            on_retry: Told before each further try.
            repairs: How often an answer that cannot be used is asked for again.
        """
        prompt = render(call.kind, call.inputs)
        self.kind = call.kind
        self._call = call
        self._on_retry = on_retry
        self._system, self._user = prompt.system, prompt.user
        self._repair: list[dict[str, str]] = []
        self._repairs_left = repairs
        self._shortened = False
        self.usage = Usage()

    async def finish(self, ask: Ask) -> T:
        """Ask until the answer fits.

        Args:
            ask: Sends messages and returns the answer.

        Raises:
            TransientError: The provider failed in a way that another try may get past.
            ProviderError: The answer was refused, cut off or unusable for good.
        """
        while True:
            self.usage += Usage(calls=1)
            try:
                reply = await ask(self._messages())
            except AskDifferentlyError as differently:
                self.usage += differently.usage
                continue
            self.usage += reply.usage
            if reply.refusal or reply.finish_reason == "content_filter":
                raise ContentRefusedError(_refused(reply))
            if reply.finish_reason == "length":
                await self._ask_for_less()
                continue
            try:
                return read_answer(reply.content, self._call.output)
            except UnusableAnswerError as error:
                if not reply.whole:
                    raise unavailable("its stream broke off") from None
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
        if self._shortened or not self._repairs_left:
            raise ContentTruncatedError
        self._shortened = True
        self._repair = []
        await self.told(ContentTruncatedError.code)

    async def _ask_for_repair(self, answer: str, problem: str) -> None:
        if not self._repairs_left:
            raise ContentInvalidError(f"{ContentInvalidError.__doc__} ({excerpt(problem)})")
        self._repairs_left -= 1
        # Only the last answer is shown: the messages do not grow with each repair.
        self._repair = [
            {"role": "assistant", "content": _shown(answer)},
            {"role": "user", "content": _REPAIR.format(problem=problem)},
        ]
        await self.told(ContentInvalidError.code)


def _refused(reply: Reply) -> str:
    why = reply.refusal or "the provider's content filter stopped the answer"
    return f"{ContentRefusedError.__doc__} ({excerpt(why)})"


def _shown(answer: str) -> str:
    shown = answer.encode("utf-8", "replace").decode() if answer else "(empty)"
    return shown if len(shown) <= _SHOWN_ANSWER else shown[:_SHOWN_ANSWER] + "\u2026"
