"""What is generated from code is committed, and current."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docs.generate import DOCUMENTS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_is_current(path: Path) -> None:
    """A change of settings, events or what the API answers is followed by `make docs`."""
    assert path.read_text(encoding="utf-8") == DOCUMENTS[path](), "run `make docs`, then commit"


def test_no_document_shows_how_python_names_things() -> None:
    """Defaults are shown as a user writes them, not as an object calls itself."""
    for path in DOCUMENTS:
        for word in ("Undefined", " object at ", "<class ", "<function "):
            assert word not in path.read_text(encoding="utf-8"), path.name
