"""What a typical roadmap will take, by what a trial took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.prices import priced
from core.usage import Usage
from roadmaps.inputs import CallKind
from roadmaps.kinds import KINDS
from roadmaps.prompts import USUAL_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.prices import Price

CONCEPTS: Final = 15
CONTENTS: Final = len(KINDS) * CONCEPTS
_ONCE: Final = (
    CallKind.INTENT_ANALYSIS,
    CallKind.CURRICULUM_DESIGN,
    CallKind.STRUCTURE_VALIDATION,
)
_ANSWER_SHARE: Final = 0.6
"""Of a call's tokens, where the provider does not tell."""


def typical_roadmap(spent: Mapping[str, Usage], price: Price | None) -> Usage:
    """Return the tokens of a roadmap of 15 concepts, with their cost when the price is known.

    Args:
        spent: What a roadmap of one concept took. The outline of a whole one is longer, so what
            is made once counts as at least what it usually takes.
        price: Of the model.
    """
    total = Usage()
    for kind in _ONCE:
        told, usual = spent.get(kind, Usage()), _usual(USUAL_TOKENS[kind])
        total += _tokens(told if told.tokens > usual.tokens else usual, times=1)
    for content in KINDS.values():
        told = spent.get(content.name, Usage())
        total += _tokens(told if told.tokens else _usual(content.tokens), times=CONCEPTS)
    return priced(total, price)


def _usual(tokens: int) -> Usage:
    answer = round(tokens * _ANSWER_SHARE)
    return Usage(tokens=tokens, prompt_tokens=tokens - answer, completion_tokens=answer)


def _tokens(usage: Usage, *, times: int) -> Usage:
    answer = usage.completion_tokens or round(usage.tokens * _ANSWER_SHARE)
    return Usage(
        tokens=times * usage.tokens,
        prompt_tokens=times * (usage.prompt_tokens or usage.tokens - answer),
        completion_tokens=times * answer,
    )
