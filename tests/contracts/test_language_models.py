"""The page on language models names every code and every preset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.choices import LlmPreset
from core.provider_errors import ProviderError
from llm.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "LANGUAGE_MODELS.md"


def classes(of: type[ProviderError]) -> Iterator[type[ProviderError]]:
    """Yield a class of failures and all that are made from it."""
    yield of
    for narrower in of.__subclasses__():
        yield from classes(narrower)


@pytest.mark.parametrize("failure", list(classes(ProviderError)))
def test_every_failure_is_explained(failure: type[ProviderError]) -> None:
    """Its code has a row, which says what fails, and no two classes share a code."""
    (row,) = (
        line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{failure.code}` |")
    )
    assert ("**everything**" in row) is failure.stops_task
    assert sum(other.code == failure.code for other in classes(ProviderError)) == 1


@pytest.mark.parametrize("preset", list(LlmPreset))
def test_every_preset_is_listed_as_it_is(preset: LlmPreset) -> None:
    """Address, shape and limit are those that are used."""
    facts = PRESETS[preset]
    (row,) = (line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{preset}` |"))
    assert f"`{facts.base_url}`" in row
    assert f"`{facts.response_format.name.lower()}`" in row
    assert f"`{facts.limit_name}`" in row
    assert row.endswith("| needed |") is facts.needs_key
