"""What a model's tokens cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from core.usage import Usage

Dollars = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
_MILLION: Final = Decimal(1_000_000)


class Price(BaseModel):
    """US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None
    """What the provider had in its cache; `input` when not given."""


def priced(usage: Usage, price: Price | None) -> Usage:
    """Return a usage with its cost, or as it is when that cannot be known.

    A provider that tells only the sum of the tokens leaves the cost unknown, too.
    """
    if price is None or not usage.prompt_tokens + usage.completion_tokens:
        return usage
    cached = price.input if price.cached_input is None else price.cached_input
    fresh = usage.prompt_tokens - usage.cached_tokens
    cost = fresh * price.input + usage.cached_tokens * cached
    return replace(usage, cost=(cost + usage.completion_tokens * price.output) / _MILLION)
