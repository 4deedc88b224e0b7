"""The price table: a JSON file beside this one, and what LLM_PRICES says against it."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from core.choices import Provider
from core.prices import Price

if TYPE_CHECKING:
    from core.settings import Settings

_DATED: Final = re.compile(r"-\d{4}-\d{2}-\d{2}\Z")
"""A snapshot, such as `gpt-4.1-mini-2025-04-14`, costs what its model costs."""


def price_of(settings: Settings) -> Price | None:
    """Return the price of the model that is asked, or None when nobody knows it.

    LLM_PRICES wins over the table; the sample author has no price.
    """
    if settings.llm_provider is Provider.SAMPLE:
        return None
    model = settings.llm_model
    return settings.llm_prices.get(model) or price_table().get(_DATED.sub("", model))


@cache
def price_table() -> dict[str, Price]:
    """Return the known models' prices by name. Treat it as read-only."""
    file = resources.files(__package__ or "llm").joinpath("prices.json")
    return {
        model: Price.model_validate(price)
        for source in json.loads(file.read_bytes())["sources"]
        for model, price in source["models"].items()
    }
