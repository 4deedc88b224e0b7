"""Which migration a database stands at, told without Alembic.

Importing Alembic takes a quarter of a second, which programs that only ask need not wait.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sqlalchemy import pool, text

from core.settings import get_settings
from db.connecting import APPLICATION
from db.dialing import new_engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_THERE: Final = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_REVISION: Final = text("SELECT version_num FROM alembic_version")


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
