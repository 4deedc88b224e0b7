"""What is generated from code is committed, and current."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docs.generate import documents

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_document_is_current(path: Path) -> None:
    """A change of settings or events is followed by `make docs`."""
    assert path.read_text(encoding="utf-8") == documents()[path], "run `make docs`, then commit"
