"""One call as a conversation: the first question, then repairs until an answer fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Generic

from core.logging import get_logger
from core.provider_errors import ContentInvalidError, ContentRefusedError, ContentTruncatedError
from core.usage import Usage
from llm import finish
from llm.answers import LARGEST_ANSWER, UnusableAnswerError, is_whole, read_answer, spoken
from llm.calls import Call, OnRetry, T
from llm.failures import excerpt, unavailable
from llm.parts import Parts, parts_to_ask, without_bad_parts
from llm.reading.declined import declines
from llm.reading.fitting import fitted
from llm.reading.prose import long_text_of, prose_in
from llm.reading.quoted import quoted
from llm.reading.texts import storable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from llm.reading.problems import Misfit
    from llm.reply import Reply

    Messages = Callable[[], list[dict[str, str]]]
    """Writes them when the request may be made: those that wait for it are many, and long."""
    Ask = Callable[[Messages, Call[Any]], Awaitable[Reply]]

REPAIRS: Final = 2
_SHOWN_ANSWER: Final = 4000
_NOTES: Final = 10
_MUCH: Final = 4
"""How many times longer a text must be than an object in it, to be the answer itself."""

_REPAIR: Final = (
    "That answer cannot be used. {problem}\n"
    "Answer again with one JSON object that fits the schema, and nothing else."
)
_REPAIR_PARTS: Final = (
    "These parts of your answer cannot be used; the rest of it is kept. {problem}\n"
    "Answer with one JSON object that holds only these parts, corrected and in this order, and"
    " nothing else."
)
_SHORTER: Final = (
    "\n\nYour previous answer was cut off because it was too long. Answer again, complete and "
    "clearly shorter: at most half of the length you had in mind."
)
_EXAMPLE: Final = "Its object is but an example within a text."
_NO_ANSWER: Final = "It holds thoughts, but no answer."

_log = get_logger(__name__)


class AskDifferentlyError(Exception):
    """The server refused how it was asked, not what; the next request does without that."""

    def __init__(self, usage: Usage | None = None) -> None:
        """Keep what the server spent on an answer that is of no use."""
        self.usage = usage or Usage()
        super().__init__()


class Conversation(Generic[T]):
    """Keeps what was said, so that a try after a broken connection goes on where it stopped."""

    def __init__(
        self,
        call: Call[T],
        *,
        on_retry: OnRetry | None = None,
        repairs: int = REPAIRS,
        key: str = "",
        shown: str | None = None,
    ) -> None:
        """Say nothing yet.

        Args:
            call: What is asked for.
            on_retry: Told before each further try.
            repairs: How often an answer that cannot be used is asked for again.
            key: The API key, kept out of the log, whatever a server echoes.
            shown: The field that is shown while it is written.
        """
        self.kind = call.kind
        self._call = call
        self._on_retry = on_retry
        self._repair: list[dict[str, str]] = []
        self._repairs_left = repairs
        self._shortened = False
        self._key = key
        self._parts: Parts | None = None
        self._misfit: Misfit | None = None
        self._long_text = long_text_of(call.output, shown=shown)
        self._plain: T | None = None
        self.usage = Usage()

    async def finish(self, ask: Ask) -> T:
        """Ask until the answer fits.

        Args:
            ask: Has messages written, sends them and returns the answer; the call says in which
                shape.

        Raises:
            TransientError: The provider failed in a way that another try may get past.
            ProviderError: The answer was refused, cut off or unusable for good.
        """
        while True:
            self.usage += Usage(calls=1)
            try:
                reply = await ask(self._messages, self._asked())
            except AskDifferentlyError as differently:
                self.usage += differently.usage
                continue
            self.usage += reply.usage
            if reply.refusal or reply.finish_reason == finish.FILTERED:
                raise ContentRefusedError(_refused(reply))
            if reply.finish_reason == finish.CUT and not is_whole(reply.content):
                self._log_said(reply, "it was cut off")
                await self._ask_for_less()
                continue
            plain, sure = self._written_plainly(reply)
            try:
                value = self._read(reply)
                if plain is None or not sure or not self._is_example(value, plain):
                    return value
                problem = UnusableAnswerError(_EXAMPLE)
            except UnusableAnswerError as error:
                problem = error
            _look_for_failure(reply)
            if plain is not None and sure:
                return plain
            self._plain = plain if self._plain is None else self._plain
            self._log_said(reply, str(problem))
            value_without = await self._without(problem, next(iter(reply.texts()), ""))
            if value_without is not None:
                return value_without

    async def told(self, code: str) -> None:
        """Tell whoever listens that there will be a further try, and why."""
        if self._on_retry is not None:
            await self._on_retry(code)

    def _messages(self) -> list[dict[str, str]]:
        *first, last = self._call.prompt.messages()
        if self._shortened:
            last = {**last, "content": last["content"] + _SHORTER}
        return [*first, last, *self._repair]

    def _asked(self) -> Call[Any]:
        if self._parts is None:
            return self._call
        call: Call[Any] = self._call
        return replace(call, output=self._parts.shape)

    def _read(self, reply: Reply) -> T:
        """Return the answer from wherever in the reply it stands.

        Raises:
            UnusableAnswerError: It stands nowhere.
        """
        problem: UnusableAnswerError | None = None
        for text in reply.texts():
            notes: list[str] = []
            try:
                value = self._read_text(text, notes)
            except UnusableAnswerError as error:
                if problem is None:
                    problem = error if text is not reply.thoughts else None
                continue
            if notes:
                _log.info("answer_normalised", kind=self.kind, notes=notes[:_NOTES])
            return value
        raise problem or UnusableAnswerError(_NO_ANSWER if reply.thoughts else "It is empty.")

    def _read_text(self, text: str, notes: list[str]) -> T:
        if self._parts is not None:
            return self._parts.put_in(text, self._call.output, notes=notes)
        return read_answer(text, self._call.output, notes=notes)

    def _written_plainly(self, reply: Reply) -> tuple[T | None, bool]:
        """Return the answer that a plain text is, if it is one, and whether that is sure."""
        name = self._long_text
        short = len(reply.content) <= LARGEST_ANSWER
        found = prose_in(reply.content, name) if name and short else None
        if name is None or found is None:
            return None, False
        try:
            value = fitted({name: storable(found.text)}, self._call.output, notes=[])
        except UnusableAnswerError:
            return None, False
        return value, found.sure

    def _is_example(self, value: T, plain: T) -> bool:
        """Tell whether what was read is but an example within a text that was written plainly."""
        inner, whole = (len(str(getattr(each, self._long_text or ""))) for each in (value, plain))
        return inner * _MUCH < whole

    async def _ask_for_less(self) -> None:
        if self._shortened or not self._repairs_left:
            raise ContentTruncatedError
        self._shortened = True
        self._repair, self._parts = [], None
        await self.told(ContentTruncatedError.code)

    async def _without(self, error: UnusableAnswerError, answer: str) -> T | None:
        """Return the answer without what does not fit, or prepare to ask for that again.

        Raises:
            ContentInvalidError: It was asked for often enough.
        """
        misfit = error.misfit if self._parts is None else None
        self._misfit = misfit or self._misfit
        for_good = not self._repairs_left
        if self._misfit is not None and (misfit is not None or for_good):
            value = without_bad_parts(self._misfit, self._call.output, enough=not for_good)
            if value is not None:
                _log.info("answer_parts_left_out", kind=self.kind, problem=excerpt(str(error)))
                return value
        if for_good and self._plain is not None:
            return self._plain
        if for_good:
            raise ContentInvalidError(f"{ContentInvalidError.__doc__} ({excerpt(str(error))})")
        self._repairs_left -= 1
        if misfit is not None:
            self._parts = parts_to_ask(misfit)
        self._ask_again(
            answer if self._parts is None or misfit is None else self._parts.shown, error
        )
        await self.told(ContentInvalidError.code)
        return None

    def _ask_again(self, answer: str, problem: UnusableAnswerError) -> None:
        """Show the model its answer and what is wrong; only the last, or messages would grow."""
        repair = _REPAIR if self._parts is None else _REPAIR_PARTS
        self._repair = [
            {"role": "assistant", "content": _shown(answer)},
            {"role": "user", "content": repair.format(problem=problem)},
        ]

    def _log_said(self, reply: Reply, problem: str) -> None:
        said = "\n".join(reply.texts())
        _log.warning(
            "answer_unusable",
            kind=self.kind,
            problem=excerpt(problem, key=self._key),
            said=quoted(said, key=self._key),
        )


def _look_for_failure(reply: Reply) -> None:
    """Raise what an answer that cannot be used means, where a repair would not help.

    Raises:
        TransientError: It broke off.
        ContentRefusedError: The model declined in words.
    """
    if reply.finish_reason == finish.FAILED or not reply.whole:
        raise unavailable("its answer broke off")
    if declines(said := spoken(reply.content)):
        raise ContentRefusedError(f"{ContentRefusedError.__doc__} ({excerpt(said)})")


def _refused(reply: Reply) -> str:
    why = reply.refusal or "the provider's content filter stopped the answer"
    return f"{ContentRefusedError.__doc__} ({excerpt(why)})"


def _shown(answer: str) -> str:
    shown = answer.encode("utf-8", "replace").decode() if answer else "(empty)"
    return shown if len(shown) <= _SHOWN_ANSWER else shown[:_SHOWN_ANSWER] + "\u2026"
