"""Where a database stands among the migrations of this code, told without Alembic.

Importing Alembic takes a quarter of a second, which programs that only ask need not wait.
"""

from __future__ import annotations

import asyncio
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import pool, text

from core.settings import get_settings
from db.connecting import APPLICATION
from db.dialing import new_engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
_GIVEN: Final = re.compile(r"""^(revision|down_revision)\b[^=]*=\s*["'](.+?)["']""", re.MULTILINE)
_THERE: Final = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_REVISION: Final = text("SELECT version_num FROM alembic_version")


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


def engine() -> AsyncEngine:
    """Return an engine for a migration: without a pool, as the role that owns the tables."""
    settings = get_settings()
    owner = settings.migration_database_url
    return new_engine(
        settings if owner is None else settings.model_copy(update={"database_url": owner}),
        session={"application_name": APPLICATION, "timezone": "UTC"},
        connect_timeout_s=10,
        command_timeout_s=None,
        poolclass=pool.NullPool,
    )


def current_now() -> str | None:
    """Return the revision at which the settings' database stands, like `current`. Blocks."""

    async def ask() -> str | None:
        asked = engine()
        try:
            return await current(asked)
        finally:
            await asked.dispose()

    return asyncio.run(ask())


async def current(engine: AsyncEngine) -> str | None:
    """Return the revision the database stands at, or None when it was never migrated."""
    async with engine.connect() as connection:
        if not await connection.scalar(_THERE):
            return None
        revision: str | None = await connection.scalar(_REVISION)
        return revision
