"""Files of the pages that authors of workflows bring in their own packages."""

from __future__ import annotations

from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from core.errors import NotFoundError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_SUFFIXES: Final = frozenset({".js", ".mjs", ".css", ".json", ".svg", ".png", ".webp", ".woff2"})
_LARGEST: Final = 2_000_000


def author_file(page: str | None, path: str) -> bytes:
    """Return a file beside the module that an author names as a workflow's page.

    Args:
        page: The module, such as `mybook:static/book.js`: a package, and a path in it.
        path: The file, below the module's folder.

    Raises:
        NotFoundError: There is none, or it is none of the kinds that a page is made of.
    """
    package, _, module = (page or "").partition(":")
    parts = PurePosixPath(path).parts
    if not module or not parts or PurePosixPath(path).suffix not in _SUFFIXES:
        raise NotFoundError("There is no such file.")
    if any(part in {"..", "."} or part.startswith((".", "/")) or "\\" in part for part in parts):
        raise NotFoundError("There is no such file.")
    try:
        found = _in_package(package, (*PurePosixPath(module).parent.parts, *parts))
        if not found.is_file():
            raise NotFoundError("There is no such file.")
        body = found.read_bytes()
    except (ImportError, OSError, ValueError):
        raise NotFoundError("There is no such file.") from None
    if len(body) > _LARGEST:
        raise NotFoundError("There is no such file: it is too large for a page.")
    return body


def _in_package(package: str, parts: tuple[str, ...]) -> Traversable:
    found = resources.files(package)
    for part in parts:
        found = found.joinpath(part)
    return found
