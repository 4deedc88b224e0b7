"""What an outline says of itself."""

from __future__ import annotations

import pytest

from cli.outline_view import hours_text


@pytest.mark.parametrize(
    ("hours", "text"),
    [(60, "60 h"), (62.5, "62.5 h"), (0.25, "0.3 h"), (2.04, "2 h"), (1234.5, "1,234.5 h")],
)
def test_hours(hours: float, text: str) -> None:
    """Hours have one decimal at most, halves rounded up, as on the pages."""
    assert hours_text(hours) == text
