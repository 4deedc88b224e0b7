"""Makes SQLAlchemy engines whose connections `db.connecting` opens, directly or by a pooler."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import orjson
from pydantic_core import to_json
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.addresses import postgres_address
from core.choices import Pooler
from db.connecting import limits_sql, open_connection
from db.discretion import keep_values_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import asyncpg
    from sqlalchemy import Connection, Dialect, Engine

    from core.settings import Settings


ISOLATION: Final = "READ COMMITTED"
"""What all our statements are written for, whatever the role's or the database's default is: who
waited for a locked row goes on with what it is by then."""
_limits: Final[WeakKeyDictionary[Engine, Callable[[], str]]] = WeakKeyDictionary()


def limits_of(engine: AsyncEngine) -> str:
    """Return what each transaction on an engine has to be told; empty where sessions keep it."""
    return _limits[engine.sync_engine]()


def new_engine(
    settings: Settings,
    *,
    session: Mapping[str, str],
    connect_timeout_s: float,
    command_timeout_s: float | None,
    **pool: Any,
) -> AsyncEngine:
    """Return an engine on the database of the settings.

    Args:
        settings: They name the database, and the pooler if there is one.
        session: What every session is told; what the address says is put over it.
        connect_timeout_s: Limit of opening a connection.
        command_timeout_s: Limit of one command.
        pool: What SQLAlchemy is told of the pool.
    """
    address = postgres_address(settings.database_url.get_secret_value())
    told = {**session, **address.server_settings}
    engine = create_async_engine(
        "postgresql+asyncpg://",
        isolation_level=ISOLATION,
        hide_parameters=True,
        json_serializer=json_text,
        json_deserializer=json_value,
        **pool,
    )
    keep_values_out(engine)
    between = Pooler.NONE

    async def opened() -> asyncpg.Connection[Any]:
        nonlocal between
        connection, between = await open_connection(
            address,
            session=told,
            pooler=settings.database_pooler,
            connect_timeout_s=connect_timeout_s,
            command_timeout_s=command_timeout_s,
        )
        return connection

    @event.listens_for(engine.sync_engine, "do_connect")
    def _connect(dialect: Dialect, _record: Any, _args: Any, _kwargs: Any) -> Any:
        known = between
        wrapped: Any = dialect.connect(async_creator_fn=opened, **_kept(known))
        if between is known:
            return wrapped

        async def same() -> Any:
            return wrapped.driver_connection

        return dialect.connect(async_creator_fn=same, **_kept(between))

    def limits() -> str:
        return limits_sql(told) if between is Pooler.TRANSACTION else ""

    _limits[engine.sync_engine] = limits

    @event.listens_for(engine.sync_engine, "begin")
    def _limit(connection: Connection) -> None:
        if statement := limits():
            connection.exec_driver_sql(statement).close()

    return engine


def json_text(value: Any) -> str:
    """Write a value as JSON, five times as fast as Python does and with numbers of any size.

    What cannot be written goes on to the database as Python writes it, and is refused there.
    """
    try:
        return to_json(value, inf_nan_mode="constants").decode()
    except ValueError:
        return json.dumps(value)


def json_value(text: str | bytes) -> Any:
    """Read JSON, however deep somebody has nested it: one value must not make a page unreadable.

    A whole number beyond 64 bits comes as a float: PostgreSQL writes 1e300 out in full.
    What nobody can read comes as the text that it is; to whoever wants something else it is broken.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text if isinstance(text, str) else text.decode(errors="replace")


def _kept(between: Pooler) -> dict[str, Any]:
    """Return which statements a connection keeps; behind a pooler, none, and none has a name."""
    if between is Pooler.NONE:
        return {}
    return {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}
