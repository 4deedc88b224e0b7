"""Small files of a data-dir, readable by its owner alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def document(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file; None when there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner alone; it is on the disk then."""
    from embedded.folder import write_private as write  # late: most commands only read

    write(path, text)


def kept(path: Path, make: Callable[[], str]) -> str:
    """Return what a file holds, made at the first call."""
    try:
        value = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        value = ""
    if not value:
        value = make()
        write_private(path, value + "\n")
    return value
