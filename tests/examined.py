"""How many rows the statements of a program examine: a cost without a clock."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import event

from db.engine import get_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg

Statements = list[tuple[str, tuple[Any, ...]]]


@contextmanager
def statements() -> Iterator[Statements]:
    """Collect what is sent to the database meanwhile."""
    sent: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, tuple(parameters)))

    engine = get_engine().sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def every_statement() -> Iterator[Statements]:
    """Collect what is sent meanwhile, by SQLAlchemy or straight to the driver."""

    def note(told: Any) -> None:
        sent.append((told.query, tuple(told.args or ())))

    def listen(_dbapi: Any, record: Any, *_: Any) -> None:
        record.driver_connection.add_query_logger(note)

    def leave(_dbapi: Any, record: Any, *_: Any) -> None:
        record.driver_connection.remove_query_logger(note)

    pool = get_engine().sync_engine.pool
    event.listen(pool, "checkout", listen)
    event.listen(pool, "checkin", leave)
    try:
        with statements() as sent:
            yield sent
    finally:
        event.remove(pool, "checkout", listen)
        event.remove(pool, "checkin", leave)


async def rows_examined(connection: asyncpg.Connection, sent: Statements) -> int:
    """Return how many rows of tables and indexes the reading statements look at, all together."""
    total = 0
    for statement, parameters in sent:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            plan = await connection.fetchval(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters
            )
            total += _scanned(orjson.loads(plan)[0]["Plan"])
    return total


def _scanned(node: dict[str, Any]) -> int:
    own = 0
    if "Relation Name" in node or node["Node Type"] == "Bitmap Index Scan":
        removed = sum(
            node.get(name, 0)
            for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        )
        own = round((node["Actual Rows"] + removed) * node["Actual Loops"])
    return own + sum(_scanned(child) for child in node.get("Plans", ()))


async def rows_handled(connection: asyncpg.Connection, sent: Statements) -> int:
    """Return how many rows the plans of some statements gave or threw away, all together."""
    total = 0
    for statement, parameters in sent:
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters)
        total += _handled(orjson.loads(plan)[0]["Plan"])
    return total


def _handled(node: dict[str, Any]) -> int:
    removed = sum(count for name, count in node.items() if name.startswith("Rows Removed"))
    own: int = round((node["Actual Rows"] + removed) * node["Actual Loops"])
    return own + sum(map(_handled, node.get("Plans", ())))
