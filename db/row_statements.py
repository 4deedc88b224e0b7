"""Rows of many facts as SQL: one statement for each table and shape, however many rows there are.

The values go column by column, as arrays, so that a batch of any size is the same prepared
statement. A table with a column of arrays is written row by row: arrays of arrays have one length.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from db.dialing import json_text
from db.facts import NOW, Delete, Insert, JsonText, RowWrite

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Column, Table

    from db.raw import Raw

_PARAMETER: Final = re.compile(r"\$(\d+)")
_DIALECT: Final[Any] = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Statement:
    """One table's statement for rows of one shape.

    Attributes:
        text: The SQL.
        columns: What its parameters are, in their order.
        many: One array for each column, or else one row after the other.
    """

    text: str
    columns: tuple[Column[Any], ...]
    many: bool

    async def run(self, raw: Raw, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows, their values in the order of the columns."""
        ready = self.ready(rows)
        if self.many:
            await raw.execute(self.text, *ready)
        else:
            await raw.executemany(self.text, list(zip(*ready, strict=True)))

    async def fetch(self, raw: Raw, rows: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """Do the same with a statement that returns something, for many rows at once."""
        found: Sequence[Any] = await raw.fetch(self.text, *self.ready(rows))
        return found

    def ready(self, rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """Return the values of each column."""
        return [
            [_as_json(value) for value in values] if isinstance(column.type, JSONB) else values
            for column, values in zip(self.columns, zip(*rows, strict=True), strict=True)
        ]


def _as_json(value: Any) -> str | None:
    return value if value is None or type(value) is JsonText else json_text(value)


@cache
def insertion(table: Table, names: tuple[str, ...]) -> Statement:
    """Return what adds rows that have these columns."""
    columns = tuple(table.c[name] for name in names)
    into = f"INSERT INTO {table.name} ({', '.join(names)})"
    if _has_arrays(columns):
        given = ", ".join(f"${number}" for number in range(1, len(names) + 1))
        return Statement(f"{into} VALUES ({given})", columns, many=False)
    text = f"{into} SELECT * FROM {_unnested(columns)}"  # noqa: S608
    return Statement(text, columns, many=True)


@cache
def creation(table: Table, names: tuple[str, ...], key: str) -> Statement:
    """Return what adds rows that are not there yet, and returns the keys of those it added."""
    columns = tuple(table.c[name] for name in names)
    text = (
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM {_unnested(columns)}"  # noqa: S608
        f" ON CONFLICT DO NOTHING RETURNING {key}"
    )
    return Statement(text, columns, many=True)


@cache
def change(
    table: Table, where: tuple[str, ...], names: tuple[str, ...], empty: tuple[str, ...] = ()
) -> Statement:
    """Return what sets these columns in the rows that the others name, `empty` ones by no value."""
    columns = tuple(table.c[name] for name in (*where, *names))
    if _has_arrays(columns):
        at = len(where) + 1
        new = ", ".join(f"{name} = ${number}" for number, name in enumerate(names, at))
        which = " AND ".join(
            [f"{name} = ${number}" for number, name in enumerate(where, 1)]
            + [f"{name} IS NULL" for name in empty]
        )
        return Statement(f"UPDATE {table.name} SET {new} WHERE {which}", columns, many=False)  # noqa: S608
    new = ", ".join(f"{name} = v.n{number}" for number, name in enumerate(names, len(where)))
    text = f"UPDATE {table.name} t SET {new} FROM {_unnested(columns)} WHERE {_same(where, empty)}"  # noqa: S608
    return Statement(text, columns, many=True)


@cache
def deletion(table: Table, where: tuple[str, ...]) -> Statement:
    """Return what deletes the rows that these columns name."""
    columns = tuple(table.c[name] for name in where)
    text = f"DELETE FROM {table.name} t USING {_unnested(columns)} WHERE {_same(where)}"  # noqa: S608
    return Statement(text, columns, many=True)


Rows = Sequence[Sequence[Any]]
"""Values in the order of a statement's columns."""


class RowWrites:
    """Rows of many facts: one statement for each table and shape, in order of first appearance."""

    def __init__(self, writes: Iterable[RowWrite], *, now: datetime) -> None:
        """Put them in order.

        Args:
            writes: The rows.
            now: What `NOW` stands for.
        """
        self._groups: defaultdict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
        for write in writes:
            shape, values = _taken_apart(write)
            self._groups[shape].append(tuple(now if value is NOW else value for value in values))

    def change_only(self, table: Table, *key: str) -> bool:
        """Tell whether all are changes in this table, each of another row, named by its key."""
        rows_of: set[tuple[Any, ...]] = set()
        for (make, of, where, *_), rows in self._groups.items():
            if make is not change or of is not table or where != key:
                return False
            rows_of.update(row[: len(key)] for row in rows)
        return len(rows_of) == sum(map(len, self._groups.values()))

    def statements(self) -> list[tuple[Statement, Rows]]:
        """Return what writes them."""
        return [(make(*shape), rows) for (make, *shape), rows in self._groups.items()]


async def run_together(raw: Raw, those: Sequence[tuple[Statement, Rows]]) -> None:
    """Run statements of which none hangs on another in one round trip, if they allow that.

    Each round trip waits for an event loop that has much else to do, so three of them make a
    batch last half as long again.
    """
    if len(those) > 1 and all(statement.many for statement, _ in those):
        text = _joined(tuple(statement.text for statement, _ in those))
        await raw.execute(text, *(c for statement, rows in those for c in statement.ready(rows)))
        return
    for statement, rows in those:
        await statement.run(raw, rows)


@cache
def _joined(texts: tuple[str, ...]) -> str:
    """Return statements as one, their parameters numbered through."""
    numbered, given = [], 0
    for text in texts:
        numbers = [int(number) for number in _PARAMETER.findall(text)]
        numbered.append(_PARAMETER.sub(lambda m, given=given: f"${int(m[1]) + given}", text))  # type: ignore[misc]
        given += max(numbers)
    *before, last = numbered
    return f"WITH {', '.join(f'w{n} AS ({text})' for n, text in enumerate(before))} {last}"


def _taken_apart(write: RowWrite) -> tuple[tuple[Any, ...], list[Any]]:
    """Return what makes a row's statement, and the row's values in their order there."""
    if isinstance(write, Insert):
        return (insertion, write.table, tuple(write.values)), [*write.values.values()]
    where = tuple(write.where)
    if isinstance(write, Delete):
        return (deletion, write.table, where), [*write.where.values()]
    named = {name: value for name, value in write.where.items() if value is not None}
    empty = tuple(name for name in where if name not in named)
    shape = (change, write.table, tuple(named), tuple(write.values), empty)
    return shape, [*named.values(), *write.values.values()]


def _has_arrays(columns: Iterable[Column[Any]]) -> bool:
    return any(isinstance(column.type, ARRAY) for column in columns)


def _unnested(columns: Sequence[Column[Any]]) -> str:
    arrays = ", ".join(
        f"${number}::{column.type.compile(dialect=_DIALECT)}[]"
        for number, column in enumerate(columns, 1)
    )
    names = ", ".join(f"n{number}" for number in range(len(columns)))
    return f"unnest({arrays}) AS v({names})"


def _same(where: Sequence[str], empty: Sequence[str] = ()) -> str:
    same = [f"t.{name} = v.n{number}" for number, name in enumerate(where)]
    return " AND ".join(same + [f"t.{name} IS NULL" for name in empty])
