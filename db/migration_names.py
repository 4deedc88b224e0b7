"""The migrations of this code by their names, and how another database's compares with them.

It reads the files and imports no library: a program that only compares names starts sooner.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Final

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
_GIVEN: Final = re.compile(r"""^(revision|down_revision)\b[^=]*=\s*["'](.+?)["']""", re.MULTILINE)


class Schema(StrEnum):
    """Where a database stands, as this release sees it."""

    OLDER = "older"
    NEWEST = "newest"
    NEWER = "newer"
    """A later release has migrated it. Releases only add, so this one works with it."""


def head() -> str:
    """Return the newest revision in this code."""
    revisions = _revisions()
    newest = revisions.keys() - set(revisions.values())
    if len(newest) != 1:
        raise RuntimeError(f"The migrations have no single newest one: {sorted(newest)}.")
    return newest.pop()


def schema_of(revision: str | None) -> Schema:
    """Return how a revision, or None for a database that was never migrated, compares with ours."""
    if revision is not None and revision not in _revisions():
        return Schema.NEWER
    return Schema.NEWEST if revision == head() else Schema.OLDER


def _revisions() -> dict[str, str | None]:
    """Return each migration's name with that of the one before."""
    found = {}
    for file in _VERSIONS.glob("[!_]*.py"):
        given = dict(_GIVEN.findall(file.read_text(encoding="utf-8")))
        found[given["revision"]] = given.get("down_revision")
    return found
