"""What was spent: sums, what providers tell, prices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SettingsError
from core.prices import Price, priced
from core.settings import Settings, load_settings
from core.usage import Usage, read_usage, usage_in
from llm.prices import price_of, price_table

counts = st.integers(min_value=0, max_value=10**6)
usages = st.builds(
    Usage,
    calls=counts,
    tokens=counts,
    prompt_tokens=counts,
    completion_tokens=counts,
    cost=st.none() | st.decimals(min_value=0, max_value=100, places=6),
)
PRICE = Price(input=Decimal("0.4"), cached_input=Decimal("0.1"), output=Decimal("1.6"))


@given(usages, usages, usages)
def test_usages_add_up_in_any_order(one: Usage, two: Usage, three: Usage) -> None:
    """The order does not matter, and what is not known of a part is not known of the sum."""
    assert one + two == two + one
    assert (one + two) + three == one + (two + three)
    parts = [usage for usage in (one, two, three) if usage.tokens]
    known = bool(parts) and all(usage.cost is not None for usage in parts)
    assert ((one + two + three).cost is not None) == known


def test_cost() -> None:
    """Fresh, cached and written tokens have prices of their own, per million."""
    told = {
        "prompt_tokens": 1_500_000,
        "completion_tokens": 250_000,
        "total_tokens": 1_750_000,
        "prompt_tokens_details": {"cached_tokens": 500_000},
    }
    assert priced(read_usage(told), PRICE).cost == Decimal("0.85")
    assert priced(read_usage(told), None).cost is None


def test_a_cost_that_cannot_be_known_is_absent_not_zero() -> None:
    """A provider that tells only the sum of the tokens leaves it open."""
    assert priced(read_usage({"total_tokens": 900}), PRICE).cost is None
    assert priced(Usage(calls=3), PRICE).cost is None


@pytest.mark.parametrize(
    "told",
    [None, [], "7", {}, {"total_tokens": "many"}, {"total_tokens": -5}, {"total_tokens": 10**12}],
)
def test_nonsense_counts_as_nothing(told: object) -> None:
    """Whatever a server tells, nothing negative or absurd is added."""
    assert read_usage(told) == Usage()


def test_deepseeks_word_for_cached_tokens() -> None:
    """What came from the cache is known under either name, and never more than the prompt."""
    told = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 900}
    assert read_usage(told) == Usage(
        tokens=15, prompt_tokens=10, completion_tokens=5, cached_tokens=10
    )


def openai(model: str, **prices: Price) -> Settings:
    """Return settings for a model."""
    return Settings.model_validate(
        {"llm_provider": "openai", "llm_model": model, "llm_prices": prices}
    )


def test_which_price() -> None:
    """Snapshots cost what their model costs, settings win, others are unknown, samples free."""
    table = price_table()
    assert price_of(openai("gpt-4.1-mini")) == table["gpt-4.1-mini"]
    assert price_of(openai("gpt-4.1-mini-2025-04-14")) == table["gpt-4.1-mini"]
    assert price_of(openai("my-own")) is None
    assert price_of(openai("mine", mine=PRICE)) == PRICE
    assert price_of(Settings(llm_model="gpt-4.1-mini")) is None


def test_prices_from_the_environment(settings_env: pytest.MonkeyPatch) -> None:
    """LLM_PRICES is JSON; what is none, or says less than it must, names the variable."""
    settings_env.setenv("ROADMAP_LLM_PRICES", '{"mine": {"input": 0.4, "output": 1.6}}')
    assert load_settings().llm_prices["mine"].output == Decimal("1.6")
    settings_env.setenv("ROADMAP_LLM_PRICES", '{"gpt-5.1": {"input": 1}, "b": {"input": -1}}')
    with pytest.raises(SettingsError) as told:
        load_settings()
    for said in ("gpt-5.1.output is missing", "b.input must be 0 or more", "b.output is missing"):
        assert f"ROADMAP_LLM_PRICES: {said}" in told.value.message
    for wrong in ("0.4", '{"mine": {"input": -1, "output": 2}}', '{"mine": {"input": 1}}', "{"):
        settings_env.setenv("ROADMAP_LLM_PRICES", wrong)
        with pytest.raises(SettingsError, match="ROADMAP_LLM_PRICES"):
            load_settings()


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"usage": {"prompt_tokens": "3", "completion_tokens": 4.0}}, 7),
        ({"usage": {"input_tokens": 3, "output_tokens": 4}}, 7),
        ({"usage": None, "x_groq": {"usage": {"total_tokens": 7}}}, 7),
        ({"choices": [{"usage": {"total_tokens": 7}}]}, 7),
        ({"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4}}, 7),
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 4}}, 7),
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 9}}, 9),
        ({"usage": {"prompt_tokens": -3, "completion_tokens": "-4"}}, 0),
        ({"usage": {"prompt_tokens": True, "total_tokens": float("nan")}}, 0),
        ({"usage": [], "choices": [3]}, 0),
        ([], 0),
        (None, 0),
    ],
)
def test_tokens_are_found_where_vendors_tell_them(body: object, tokens: int) -> None:
    """Under their names, in their places, as numbers or texts; what is none is not counted."""
    assert usage_in(body).tokens == tokens
