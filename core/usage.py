"""What model calls cost: requests, tokens, and money where the model's price is known."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

COLUMNS: Final = ("calls", "tokens", "prompt_tokens", "completion_tokens", "cost")
"""Of the tables that keep a usage; each is an attribute of `Usage`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What was spent; usages add up.

    Attributes:
        calls: Requests made, retries and repairs included.
        tokens: Tokens in all, as the provider counts them.
        prompt_tokens: Those of the prompts.
        completion_tokens: Those of the answers; a provider may count more into `tokens`.
        cached_tokens: Those of the prompts that the provider had seen before and sells for less.
        cost: US dollars; None when the price of any of these tokens is not known.
    """

    calls: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost: Decimal | None = None

    @classmethod
    def of(cls, row: Any) -> Usage:
        """Return what a row keeps in its columns."""
        return cls(**{name: getattr(row, name) for name in COLUMNS})

    def columns(self) -> dict[str, Any]:
        """Return it as the values of a row's columns."""
        return {name: getattr(self, name) for name in COLUMNS}

    def __add__(self, other: Usage) -> Usage:
        """Add up two usages. What is not known of a part is not known of the sum."""
        return Usage(
            calls=self.calls + other.calls,
            tokens=self.tokens + other.tokens,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cost=_sum(self, other),
        )


def read_usage(told: Any) -> Usage:
    """Return the tokens that a provider tells in the `usage` of an answer; 0 for what it does not.

    Args:
        told: OpenAI's object; DeepSeek's name for what came from its cache is known too.
    """
    if not isinstance(told, dict):
        return Usage()
    prompt = _count(told.get("prompt_tokens"))
    completion = _count(told.get("completion_tokens"))
    details = told.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(
        tokens=_count(told.get("total_tokens")) or prompt + completion,
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=min(prompt, _count(cached) or _count(told.get("prompt_cache_hit_tokens"))),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value < _ABSURD else 0


_ABSURD: Final = 5_000_000
"""No model reads and writes as much at once; the columns bear hundreds of such."""


def _sum(one: Usage, other: Usage) -> Decimal | None:
    """Return the cost of both; what took no tokens was free, whatever the price."""
    parts = [usage.cost for usage in (one, other) if usage.tokens]
    known = [cost for cost in parts if cost is not None]
    return sum(known, Decimal()) if known and len(known) == len(parts) else None
