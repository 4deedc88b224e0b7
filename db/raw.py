"""The driver's own connection, for the statements that are run for every model call.

SQLAlchemy's way from a statement to the wire costs ten times what the driver's does. What is run
for every fact is written down as SQL once and handed to asyncpg; its errors stay those that the
rest of the program knows, and tell no values.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.closed_transports import is_closed_transport
from db.dialing import limits_of
from db.discretion import clean
from db.engine import get_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

Raw: TypeAlias = "asyncpg.Connection[Any]"
_OF_CONNECTION: Final = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""It cannot be used any more; the second one comes when the server ends it in mid-sentence."""
_BY_KEY: Final = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off;"
"""One plan serves all keys for good.

PostgreSQL would plan nearly each batch anew, a fifteenth of all that it does for a job. A plan that
was made while a table was empty must not read it from one end to the other once it has grown.
"""
_NAME: Final = re.compile(r"(?<!:):([a-z_]+)")


class Prepared:
    """A statement whose parameters have names, as the driver wants it; it is prepared once."""

    def __init__(self, sql: str) -> None:
        self._names = tuple(dict.fromkeys(_NAME.findall(sql)))
        numbers = {name: number for number, name in enumerate(self._names, 1)}
        self._sql = _NAME.sub(lambda found: f"${numbers[found[1]]}", sql)

    async def fetch(self, raw: Raw, parameters: Mapping[str, object]) -> Any:
        """Return all rows."""
        return await raw.fetch(self._sql, *(parameters[name] for name in self._names))

    async def fetchval(self, raw: Raw, parameters: Mapping[str, object]) -> Any:
        """Return the first column of the first row, or None."""
        return await raw.fetchval(self._sql, *(parameters[name] for name in self._names))


@asynccontextmanager
async def raw_transaction(*, by_key: bool = False) -> AsyncIterator[Raw]:
    """Open a transaction on a connection of the running loop's pool; commits without an error.

    Args:
        by_key: Its statements add rows, or name them by keys.

    Raises:
        DBAPIError: A statement failed, or the connection is gone.
    """
    engine = get_engine()
    async with engine.connect() as connection:
        raw = await _driver_of(connection)
        try:
            with known_errors(raw):
                async with _begun(raw, _BY_KEY if by_key else "", limits_of(engine)):
                    yield raw
        except DBAPIError as error:
            if error.connection_invalidated:
                await connection.invalidate(error)
            raise


@asynccontextmanager
async def _begun(raw: Raw, *said: str) -> AsyncIterator[None]:
    """Begin and say something of it in one round trip, for which the driver's own has no room."""
    try:
        await raw.execute(f"BEGIN; {' '.join(said)}")
        yield
    except BaseException:
        if not raw.is_closed():
            await raw.execute("ROLLBACK;")
        raise
    await raw.execute("COMMIT;")


@asynccontextmanager
async def raw_statements() -> AsyncIterator[Raw]:
    """Lend a connection for statements of which each is committed by itself.

    Raises:
        DBAPIError: A statement failed, or the connection is gone.
    """
    engine = get_engine()
    if limits_of(engine):  # a pooler's connections are told their limits in a transaction
        async with raw_transaction() as raw:
            yield raw
        return
    async with engine.connect() as connection:
        raw = await _driver_of(connection)
        try:
            with known_errors(raw):
                yield raw
        except DBAPIError as error:
            if error.connection_invalidated:
                await connection.invalidate(error)
            raise


async def raw_of(session: AsyncSession) -> Raw:
    """Return the connection of a session, in the session's transaction."""
    raw = await _driver_of(await session.connection())
    if not raw.is_in_transaction():  # SQLAlchemy begins with its first statement
        await session.execute(text("SELECT 1"))
    return raw


async def _driver_of(connection: AsyncConnection) -> Raw:
    lent = await connection.get_raw_connection()
    return cast("Raw", lent.driver_connection)


@contextmanager
def known_errors(raw: Raw) -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy would, without the values that they quote."""
    try:
        yield
    except (asyncpg.PostgresError, *_OF_CONNECTION, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_closed_transport(error):
            raise
        gone = raw.is_closed() or not isinstance(error, asyncpg.PostgresError)
        known = DBAPIError(None, None, error, hide_parameters=True, connection_invalidated=gone)
        clean(known, error)
        raise known from error
