"""The port to language models: what a call is made of, and what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from core.usage import Usage
    from llm.prompt import Prompt

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[T]):
    """One structured completion to ask for.

    Attributes:
        prompt: What the model is told.
        output: The shape of the answer.
        user: Whose task it is for: calls that wait take turns by user.
        expected_tokens: What one request of this kind usually takes, prompt included.
        max_tokens: Bounds this call's answer when the task's budget leaves less than the model's
            own limit; None leaves it to the model.
    """

    prompt: Prompt
    output: type[T]
    user: str = ""
    expected_tokens: int = 0
    max_tokens: int | None = None

    @property
    def kind(self) -> str:
        """The name of calls like this one."""
        return self.prompt.kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion(Generic[T]):
    """A model's answer in the shape that was asked for."""

    value: T
    usage: Usage


OnRetry = Callable[[str], Awaitable[None]]
"""Told before each further try, with the error's stable code."""

OnText = Callable[[int, str], None]
"""Told each new piece of a text and where in the text it stands, in characters. After a repair or
a retry the text begins again at 0. Must return at once and never raise."""


class Author(Protocol):
    """Whoever writes: an OpenAI-compatible server, or the offline sample author.

    The port has two methods, and both are one structured completion: `complete` returns it, and
    `stream` also hands out one text of it while that is being written.
    """

    async def complete(self, call: Call[T], *, on_retry: OnRetry | None = None) -> Completion[T]:
        """Answer the call in its shape.

        Raises:
            ProviderError: One of its subclasses; `details["usage"]` is the `Usage` spent in vain.
        """
        ...

    async def stream(
        self, call: Call[T], *, field: str, on_text: OnText, on_retry: OnRetry | None = None
    ) -> Completion[T]:
        """Answer the call in its shape, and hand out a field's text while it is being written.

        What is handed out is not checked yet: only what is returned counts.

        Args:
            call: What to write, from what, in which shape.
            field: The output's field to hand out, a text at its top.
            on_text: Takes the pieces; from a server that does not stream there are none.
            on_retry: Told before each further try.

        Raises:
            ProviderError: One of its subclasses; `details["usage"]` is the `Usage` spent in vain.
        """
        ...

    async def aclose(self) -> None:
        """Close what is open; the author is not used after this."""
        ...
