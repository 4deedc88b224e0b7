"""What model calls cost: requests, tokens, and money where the model's price is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from decimal import Decimal

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
        return {
            "calls": self.calls,
            "tokens": self.tokens,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost": self.cost,
        }

    def __add__(self, other: Usage) -> Usage:
        """Add up two usages. What is not known of a part is not known of the sum."""
        if other is NOTHING:  # half of the sums in a job, and making one takes as long as a commit
            return self
        if self is NOTHING:
            return other
        return Usage(
            calls=self.calls + other.calls,
            tokens=self.tokens + other.tokens,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cost=_sum_of(self.tokens, self.cost, other.tokens, other.cost),
        )

    def add_to(self, values: dict[str, Any]) -> None:
        """Add it to what a row's values keep in these columns, and change those in place."""
        values["cost"] = _sum_of(values["tokens"], values["cost"], self.tokens, self.cost)
        values["calls"] += self.calls
        values["tokens"] += self.tokens
        values["prompt_tokens"] += self.prompt_tokens
        values["completion_tokens"] += self.completion_tokens


NOTHING: Final = Usage()


def read_usage(told: Any) -> Usage:
    """Return the tokens that a provider tells in the `usage` of an answer; 0 for what it does not.

    Args:
        told: OpenAI's object; DeepSeek's name for what came from its cache is known too, and the
            names of vendors whose own interface a gateway leaves as they are.
    """
    if not isinstance(told, dict) or not told:
        return NOTHING
    prompt = _first(
        told, ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count")
    )
    completion = _first(
        told, ("completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count")
    )
    details = told.get("prompt_tokens_details") or told.get("input_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return Usage(
        # some name as the sum what was written alone
        tokens=max(_first(told, ("total_tokens", "totalTokenCount")), prompt + completion),
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=min(
            prompt, cached or _first(told, ("prompt_cache_hit_tokens", "cached_tokens"))
        ),
    )


def usage_in(body: Any) -> Usage:
    """Return the tokens that a body or a chunk tells, wherever it tells them.

    OpenAI's place is `usage`; Groq's streams have `x_groq.usage`, Moonshot's choices their own.
    """
    if not isinstance(body, dict):
        return NOTHING
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    for holder in (body, body.get("x_groq"), first, body.get("message"), body.get("response")):
        told = holder.get("usage") if isinstance(holder, dict) else None
        if told and (found := read_usage(told)).tokens:
            return found
    told = body.get("usageMetadata")
    return read_usage(told) if told else NOTHING


def _first(told: dict[str, Any], names: tuple[str, ...]) -> int:
    return next((count for name in names if (count := _count(told.get(name)))), 0)


def _count(value: Any) -> int:
    """Return a number of tokens, told as a number or a text; 0 for whatever cannot be one."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value.strip()) else 0
    if isinstance(value, float):
        value = int(value) if 0 < value < _ABSURD else 0
    return value if isinstance(value, int) and 0 < value < _ABSURD else 0


_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,9})?")
_ABSURD: Final = 5_000_000
"""No model reads and writes as much at once; the columns bear hundreds of such."""


def _sum_of(
    tokens: int, cost: Decimal | None, more_tokens: int, more_cost: Decimal | None
) -> Decimal | None:
    """Return the cost of both; what took no tokens was free, whatever the price."""
    if not more_tokens:
        return cost if tokens else None
    if not tokens:
        return more_cost
    return None if cost is None or more_cost is None else cost + more_cost
