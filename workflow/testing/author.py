"""Answers model calls as a test says, where a language model would be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core.settings import get_settings
from core.usage import Usage
from llm import Completion
from llm.prompt import Text
from llm.sample import SampleAuthor
from workflow.testing.about import About, about_now
from workflow.testing.errors import ScriptError
from workflow.testing.given import CONTEXT, check_answers, wanted

if TYPE_CHECKING:
    from pydantic import BaseModel

    from llm import Call, OnText, Prompt
    from llm.calls import OnRetry, T

Answers = Mapping[Any, Any] | Callable[..., Any] | None
"""From output model to answer, or a function that returns one; None for made-up samples."""

_LETTERS_PER_TOKEN: Final = 4
_PIECES: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A model call that a workflow made.

    Attributes:
        model: The shape that was asked for.
        prompt: What was asked: the text, or the messages if the author gave messages.
        system: What was said before all else, if anything.
        step: The step that asked.
        round: Which time it is that this step runs.
        key: The part that asked; empty when it was a step.
        kind: Which of a key's parts.
    """

    model: type[BaseModel]
    prompt: Any
    system: str | None
    step: str
    round: int
    key: str
    kind: str

    def context(self) -> dict[str, Any]:
        """Return what a function of answers may ask for by name."""
        return {name: getattr(self, name) for name in CONTEXT}


class ScriptedAuthor:
    """An `Author` that answers as a test says, and samples where the test says nothing."""

    def __init__(self, answers: Answers) -> None:
        """Take the answers.

        Raises:
            ScriptError: A function among them cannot be called as it will be.
        """
        check_answers(answers)
        self._answers = answers
        self._sample = SampleAuthor(get_settings())
        self.asked: list[Asked] = []
        self.broken: ScriptError | None = None
        """The first answer that fits no shape: the test is wrong, not the workflow."""

    async def complete(self, call: Call[T], *, on_retry: OnRetry | None = None) -> Completion[T]:
        """Answer as the test says."""
        value = await self._value(call)
        if value is None:
            return await self._sample.complete(call, on_retry=on_retry)
        said = len(value.model_dump_json()) // _LETTERS_PER_TOKEN
        told = len(str(call.prompt.messages())) // _LETTERS_PER_TOKEN
        usage = Usage(calls=1, tokens=told + said, prompt_tokens=told, completion_tokens=said)
        return Completion(value=value, usage=usage)

    async def stream(
        self, call: Call[T], *, field: str, on_text: OnText, on_retry: OnRetry | None = None
    ) -> Completion[T]:
        """Do the same, and hand the text out in pieces."""
        completion = await self.complete(call, on_retry=on_retry)
        text = str(getattr(completion.value, field))
        size = max(1, -(-len(text) // _PIECES))
        for offset in range(0, len(text), size):
            on_text(offset, text[offset : offset + size])
        return completion

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _value(self, call: Call[T]) -> T | None:
        asked = asked_for(call)
        self.asked.append(asked)
        try:
            return fitting(call.output, await self.answer(asked), asked)
        except ScriptError as error:
            self.broken = self.broken or error
            raise

    async def answer(self, asked: Asked) -> Any:
        """Return what the test says, in whatever form."""
        return await said(self._answers, asked)


def asked_for(call: Call[Any]) -> Asked:
    """Return a call as a test sees it."""
    about = about_now() or About(step="")
    return Asked(
        model=call.output,
        prompt=_words(call.prompt),
        system=_system(call.prompt),
        step=about.step,
        round=about.round,
        key=about.key,
        kind=about.kind,
    )


async def said(answers: Answers, asked: Asked) -> Any:
    """Return what the answers have for a call; None when they have nothing."""
    if answers is None:
        return None
    found: Any
    if isinstance(answers, Mapping):
        found = answers.get(asked.model)
        if isinstance(found, BaseException):
            raise found
        if not callable(found):
            return found
        answers = found
    function: Any = answers
    context = asked.context()
    named = {name: context[name] for name in wanted(function)}
    found = function(asked.model, asked.prompt, **named)
    return await found if isinstance(found, Awaitable) else found


def fitting(output: type[T], value: Any, asked: Asked) -> T | None:
    """Return an answer in the shape that was asked for.

    Raises:
        ScriptError: It has another one.
    """
    if value is None or isinstance(value, output):
        return value
    where = f"part {asked.step}/{asked.key}" if asked.key else f"step {asked.step}"
    if isinstance(value, Mapping):
        try:
            return output.model_validate(dict(value))
        except ValueError as error:
            raise ScriptError(
                f"`answers` gave the {where} no valid {output.__name__}: {error}"
            ) from None
    raise ScriptError(
        f"`answers` gave the {where} {type(value).__name__} where it asked for {output.__name__}."
        f" Return a {output.__name__}, a dictionary that fits it, or None for a made-up sample."
    )


def _words(prompt: Prompt) -> Any:
    if isinstance(prompt, Text):
        return prompt.text
    return "\n\n".join(m["content"] for m in prompt.messages() if m["role"] != "system")


def _system(prompt: Prompt) -> str | None:
    system = [m["content"] for m in prompt.messages() if m["role"] == "system"]
    return "\n\n".join(system) or None
