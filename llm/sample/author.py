"""The sample author: hands out prepared answers, makes up all others, fails where it is told to."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from core.provider_errors import ContentRefusedError
from core.usage import Usage
from llm.calls import Call, Completion, OnRetry, OnText, T
from llm.sample.making import answer
from llm.sample.texts import words_of

if TYPE_CHECKING:
    from core.settings import Settings

_LETTERS_PER_TOKEN: Final = 4
_PIECES: Final = 5


class SampleAuthor:
    """An `Author` whose answers are prepared, by whoever wrote the prompt, or made up.

    The same call is always answered alike, and the texts say that they are samples.
    """

    def __init__(self, settings: Settings) -> None:
        """Take the latency and the pattern of failing titles from the settings."""
        self._latency_s = settings.sample_latency_s
        self._fail = re.compile(settings.sample_fail) if settings.sample_fail else None

    async def complete(
        self,
        call: Call[T],
        *,
        on_retry: OnRetry | None = None,  # noqa: ARG002 - never retries
    ) -> Completion[T]:
        """Write what is asked for, after SAMPLE_LATENCY_S.

        Raises:
            ContentRefusedError: The title of what is written about matches SAMPLE_FAIL.
        """
        await asyncio.sleep(self._latency_s)
        return self._written(call)

    async def stream(
        self,
        call: Call[T],
        *,
        field: str,
        on_text: OnText,
        on_retry: OnRetry | None = None,  # noqa: ARG002 - never retries
    ) -> Completion[T]:
        """Do the same, and hand the text out evenly over SAMPLE_LATENCY_S.

        Raises:
            ContentRefusedError: The title of what is written about matches SAMPLE_FAIL.
        """
        completion = self._written(call)
        text = str(getattr(completion.value, field))
        size = max(1, -(-len(text) // _PIECES))
        for offset in range(0, len(text), size):
            await asyncio.sleep(self._latency_s / _PIECES)
            on_text(offset, text[offset : offset + size])
        return completion

    async def aclose(self) -> None:
        """Nothing is open."""

    def _written(self, call: Call[T]) -> Completion[T]:
        prompt = call.prompt
        self._refuse(prompt.title)
        prepared, asked = prompt.sample(), str(prompt.digested())
        if prepared is None:
            about = prompt.about or words_of(call.kind)
            value = answer(call.output, about=about, seed=f"{call.kind} {asked}")
        else:
            value = call.output.model_validate(prepared.model_dump())
        told = len(asked) // _LETTERS_PER_TOKEN
        said = len(str((prepared or value).model_dump())) // _LETTERS_PER_TOKEN
        usage = Usage(calls=1, tokens=told + said, prompt_tokens=told, completion_tokens=said)
        return Completion(value=value, usage=usage)

    def _refuse(self, title: str) -> None:
        if title and self._fail is not None and self._fail.search(title):
            raise ContentRefusedError(
                f"The sample author refuses \u201c{title}\u201d because SAMPLE_FAIL "
                "matches its title; change that setting, then retry.",
                usage=Usage(calls=1),
            )
