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


def test_no_document_shows_how_python_names_things() -> None:
    """Defaults are shown as a user writes them, not as an object calls itself."""
    for path, text in documents().items():
        for word in ("Undefined", " object at ", "<class ", "<function "):
            assert word not in text, path.name
