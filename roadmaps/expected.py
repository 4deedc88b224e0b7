"""How many tokens a call will take, learnt from those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llm.calls import CallKind

if TYPE_CHECKING:
    from core.usage import Usage

FIRST: Final = {
    CallKind.INTENT_ANALYSIS: 1200,
    CallKind.CURRICULUM_DESIGN: 5000,
    CallKind.STRUCTURE_VALIDATION: 2500,
    CallKind.EDIT_PLAN_ANALYSIS: 2500,
    CallKind.ROADMAP_EDIT: 4000,
    CallKind.TUTORIAL: 4000,
    CallKind.RESOURCES: 2500,
    CallKind.QUIZ: 3500,
}
"""Prompt and answer of a roadmap of some thirty concepts, before anything is known."""
_WEIGHT: Final = 0.2


class Expected:
    """A moving average of the tokens of one request, for each kind of call."""

    def __init__(self) -> None:
        self._tokens: dict[CallKind, float] = dict(FIRST)
        self._known: set[CallKind] = set()

    def tokens(self, kind: CallKind) -> int:
        """Return what one request of this kind is expected to take."""
        return round(self._tokens[kind])

    def learn(self, kind: CallKind, usage: Usage) -> None:
        """Take a call's tokens into account; the first one replaces the guess."""
        if not usage.tokens:
            return
        each = usage.tokens / max(1, usage.calls)
        before = self._tokens[kind] if kind in self._known else each
        self._known.add(kind)
        self._tokens[kind] = before + _WEIGHT * (each - before)
