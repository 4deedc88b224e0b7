"""Which migration a database stands at, told without Alembic and SQLAlchemy.

Importing them takes half a second, which programs that only ask need not wait.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from core.addresses import postgres_address
from core.settings import get_settings
from db.connecting import APPLICATION, open_connection

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from core.settings import Settings

CONNECT_TIMEOUT_S: Final = 10.0
SESSION: Final = {"application_name": APPLICATION, "timezone": "UTC"}
_THERE: Final = "SELECT to_regclass('alembic_version') IS NOT NULL"
_REVISION: Final = "SELECT version_num FROM alembic_version"


def owner_settings() -> Settings:
    """Return the settings with the database as the role that owns the tables sees it."""
    settings = get_settings()
    owner = settings.migration_database_url
    return settings if owner is None else settings.model_copy(update={"database_url": owner})


def current_now() -> str | None:
    """Return the revision at which the settings' database stands, like `current`. Blocks."""

    async def ask() -> str | None:
        settings = owner_settings()
        address = postgres_address(settings.database_url.get_secret_value())
        connection, _ = await open_connection(
            address,
            session={**SESSION, **address.server_settings},
            pooler=settings.database_pooler,
            connect_timeout_s=CONNECT_TIMEOUT_S,
            command_timeout_s=None,
        )
        try:
            revision: str | None = None
            if await connection.fetchval(_THERE):
                revision = await connection.fetchval(_REVISION)
            return revision
        finally:
            await connection.close()

    return asyncio.run(ask())


async def current(engine: AsyncEngine) -> str | None:
    """Return the revision the database stands at, or None when it was never migrated."""
    async with engine.connect() as connection:
        if not (await connection.exec_driver_sql(_THERE)).scalar():
            return None
        revision: str | None = (await connection.exec_driver_sql(_REVISION)).scalar()
        return revision
