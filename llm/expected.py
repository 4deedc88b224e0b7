"""How many tokens a call will take, learnt from those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.usage import Usage
    from llm.prompt import Prompt

_WEIGHT: Final = 0.2


class Expected:
    """A moving average of the tokens of one request, for each kind of call."""

    def __init__(self) -> None:
        self._tokens: dict[str, float] = {}

    def tokens(self, prompt: Prompt) -> int:
        """Return what one request is expected to take."""
        known = self._tokens.get(prompt.kind)
        return prompt.usual_tokens if known is None else round(known)

    def learn(self, kind: str, usage: Usage) -> None:
        """Take a call's tokens into account; the first one replaces the guess."""
        if not usage.tokens:
            return
        each = usage.tokens / max(1, usage.calls)
        before = self._tokens.get(kind, each)
        self._tokens[kind] = before + _WEIGHT * (each - before)
