"""Alembic's environment: asynchronous, on an engine of its own, under an advisory lock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from alembic import context
from sqlalchemy import text

from core.errors import SettingsError
from db.migrate import ENCODING, ENCODING_REMEDY, LOCKED_S, engine
from db.models import Base

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK: Final = 0x726F61646D6170  # "roadmap": one migration at a time, whoever starts it
WAIT: Final = f"SET LOCAL lock_timeout = '{LOCKED_S}s'"
OPTIONAL: Final = frozenset(
    {"ix_roadmap_tasks_goal_trgm", "ix_roadmap_tasks_title_trgm", "ix_roadmaps_title_trgm"}
)
"""Indexes of the extension pg_trgm, which not every server has."""


def _ours(_object: object, name: str | None, type_: str, reflected: bool, _to: object) -> bool:  # noqa: FBT001 - Alembic's signature
    """Leave alone what is not ours, and what a server may lack: autogenerate would drop it."""
    if type_ == "index" and reflected:
        return name not in OPTIONAL
    return type_ != "table" or name in Base.metadata.tables


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        include_object=_ours,
    )
    with context.begin_transaction():
        encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
        if encoding != ENCODING:
            raise SettingsError(f"The database's encoding is {encoding}, {ENCODING_REMEDY}.")
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        connection.execute(text(WAIT))
        context.run_migrations()


async def _run() -> None:
    migrating = engine()
    try:
        async with migrating.connect() as connection:
            await connection.run_sync(_migrate)
            await connection.commit()
    finally:
        await migrating.dispose()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.execute(WAIT)
        context.run_migrations()
else:
    asyncio.run(_run())
