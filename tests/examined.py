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
