"""One tiny call to the configured provider, to see whether and how it answers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workflow.llm.calls import Call, CallKind, CheckInputs
from workflow.llm.outputs import CheckAnswer

if TYPE_CHECKING:
    from core.settings import Settings

LONGEST_S: Final = 30.0
"""A model that is not ready by then is worth a word, whatever LLM_TIMEOUT_S allows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """How a provider answered.

    Attributes:
        seconds: How long it took.
        requests: How many it took: one, and one more for each thing that was refused.
        tokens: What it cost; 0 when the provider does not tell.
        response_format: How it was made to answer in a shape: `json_schema`, `json_object`, `text`.
        streamed: Whether the answer came in pieces; None when it was not asked to.
    """

    seconds: float
    requests: int
    tokens: int
    response_format: str
    streamed: bool | None


async def check_provider(settings: Settings) -> Answered:
    """Make one structured completion: not tried again, not repaired.

    Raises:
        SettingsError: Address or model are missing.
        ProviderError: What is wrong, by class.
    """
    from workflow.llm.openai_compatible import OpenAIAuthor

    limit_s = min(settings.llm_timeout_s, LONGEST_S)
    author = OpenAIAuthor(
        settings.model_copy(update={"llm_timeout_s": limit_s}), tries=1, repairs=0
    )
    call = Call(kind=CallKind.CHECK, inputs=CheckInputs(), output=CheckAnswer)
    pieces: list[str] = []
    started = time.monotonic()
    try:
        if settings.llm_stream:
            completion = await author.stream(
                call, field="answer", on_text=lambda _offset, text: pieces.append(text)
            )
        else:
            completion = await author.complete(call)
    finally:
        await author.aclose()
    return Answered(
        seconds=time.monotonic() - started,
        requests=completion.usage.calls,
        tokens=completion.usage.tokens,
        response_format=author.learned.abilities.response_format.name.lower(),
        streamed=bool(pieces) if settings.llm_stream else None,
    )
