"""Which files of an author's package the pages may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.author_files import author_file
from core.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with a page, and a secret beside it."""
    folder = tmp_path / "a_books_package"
    (folder / "static" / "more").mkdir(parents=True)
    (folder / "__init__.py").write_text("SECRET = 1\n")
    (folder / "secret.json").write_text("{}")
    (folder / "static" / "book.js").write_text("export const results = {};\n")
    (folder / "static" / "more" / "part.js").write_text("export {};\n")
    (folder / "static" / "key.pem").write_text("secret")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "a_books_package:static/book.js"


def test_the_module_and_its_neighbours_are_served(page: str) -> None:
    """The module itself, and what stands below its folder."""
    assert author_file(page, "book.js") == b"export const results = {};\n"
    assert author_file(page, "more/part.js") == b"export {};\n"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.json",
        "more/../../secret.json",
        "/etc/passwd.js",
        "..\\secret.json",
        "key.pem",
        "__init__.py",
        ".hidden.js",
        "none.js",
        "more",
        "",
        "a\x00.js",
        "x" * 5000 + ".js",
    ],
)
def test_nothing_else_is_served(page: str, path: str) -> None:
    """No other folder, no other kind of file, nothing that is not there."""
    with pytest.raises(NotFoundError):
        author_file(page, path)


@pytest.mark.parametrize("page", [None, "", "book.js", "no_such_package:static/book.js"])
def test_a_workflow_without_a_page_serves_nothing(page: str | None) -> None:
    """Where no module is named, or its package is not here, there is no file."""
    with pytest.raises(NotFoundError):
        author_file(page, "book.js")
