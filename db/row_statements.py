"""Rows of many facts as SQL: one statement for each table and shape, however many rows there are.

Values go column by column (`db.row_values`), so that a batch of any size is the same prepared
statement.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import DateTime

from db.facts import NOW, Delete, Insert, RowWrite, Update
from db.row_values import Columns, Given

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Table

    from db.raw import Raw

_PARAMETER: Final = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One table's statement for rows of one shape.

    Attributes:
        text: The SQL.
        given: What its parameters are.
    """

    text: str
    given: Given


class Filled(NamedTuple):
    """A statement, and the rows that it writes: columns, and the values that all rows have."""

    statement: Statement
    columns: Columns
    once: Sequence[Any] = ()

    async def run(self, raw: Raw) -> None:
        """Write the rows."""
        text, given = self.statement.text, self.statement.given
        if given.one_by_one:
            await raw.executemany(text, given.each(self.columns, self.once))
        else:
            await raw.execute(text, *given.together(self.columns, self.once))

    async def fetch(self, raw: Raw) -> Sequence[Any]:
        """Do the same with a statement that returns something."""
        given = self.statement.given.together(self.columns, self.once)
        found: Sequence[Any] = await raw.fetch(self.statement.text, *given)
        return found


@cache
def insertion(table: Table, names: tuple[str, ...], once: tuple[str, ...] = ()) -> Statement:
    """Return what adds rows that have these columns, and those of `once` with one value for all."""
    given = Given(table, names, once)
    into = f"INSERT INTO {table.name} ({', '.join((*names, *once))})"
    if given.one_by_one:
        values = ", ".join([*(f"${n}" for n, _ in enumerate(names, 1)), *given.of_all()])
        return Statement(f"{into} VALUES ({values})", given)
    values = ", ".join(["v.*", *given.of_all()])
    return Statement(f"{into} SELECT {values} FROM {given.rows()}", given)  # noqa: S608


@cache
def creation(table: Table, names: tuple[str, ...], key: str) -> Statement:
    """Return what adds rows that are not there yet, and returns the keys of those it added."""
    added = insertion(table, names)
    return Statement(f"{added.text} ON CONFLICT DO NOTHING RETURNING {key}", added.given)


@cache
def change(
    table: Table,
    where: tuple[str, ...],
    names: tuple[str, ...],
    once: tuple[str, ...] = (),
    empty: tuple[str, ...] = (),
) -> Statement:
    """Return what sets columns in the rows that others name.

    Args:
        table: Which table.
        where: The columns that name rows.
        names: The columns that are set.
        once: Further ones that are set, all to one value.
        empty: Columns that have no value in these rows.
    """
    given = Given(table, (*where, *names), once)
    all_alike = [f"{name} = {value}" for name, value in zip(once, given.of_all(), strict=True)]
    if given.one_by_one:
        each = [f"{name} = ${number}" for number, name in enumerate(names, len(where) + 1)]
        which = " AND ".join(
            [f"{name} = ${number}" for number, name in enumerate(where, 1)]
            + [f"{name} IS NULL" for name in empty]
        )
        new = ", ".join(each + all_alike)
        return Statement(f"UPDATE {table.name} SET {new} WHERE {which}", given)  # noqa: S608
    each = [f"{name} = v.n{number}" for number, name in enumerate(names, len(where))]
    new = ", ".join(each + all_alike)
    text = f"UPDATE {table.name} t SET {new} FROM {given.rows()} WHERE {_same(where, empty)}"  # noqa: S608
    return Statement(text, given)


@cache
def deletion(table: Table, where: tuple[str, ...]) -> Statement:
    """Return what deletes the rows that these columns name."""
    given = Given(table, where, ())
    text = f"DELETE FROM {table.name} t USING {given.rows()} WHERE {_same(where)}"  # noqa: S608
    return Statement(text, given)


class _Shape(NamedTuple):
    """What rows of one statement have in common: what is done, where, and to which columns."""

    kind: type[RowWrite]
    table: Table
    where: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()

    def statement(self, names: tuple[str, ...], once: tuple[str, ...]) -> Statement:
        """Return what writes them, its columns divided into these."""
        if self.kind is Insert:
            return insertion(self.table, names, once)
        if self.kind is Delete:
            return deletion(self.table, self.where)
        return change(self.table, self.where, names, once, self.empty)


class RowWrites:
    """Rows of many facts: one statement for each table and shape, in order of first appearance."""

    def __init__(self, writes: Iterable[RowWrite], *, now: datetime) -> None:
        """Put them in order.

        Args:
            writes: The rows.
            now: What `NOW` stands for.
        """
        self._now = now
        self._groups: defaultdict[_Shape, list[Sequence[Any]]] = defaultdict(list)
        for write in writes:
            shape, values = _taken_apart(write)
            self._groups[shape].append(values)

    def change_only(self, table: Table, *key: str) -> bool:
        """Tell whether all are changes in this table, each of another row, named by its key."""
        rows_of: set[tuple[Any, ...]] = set()
        for shape, rows in self._groups.items():
            if shape.kind is not Update or shape.table is not table or shape.where != key:
                return False
            rows_of.update(tuple(row[: len(key)]) for row in rows)
        return len(rows_of) == sum(map(len, self._groups.values()))

    def statements(self) -> list[Filled]:
        """Return what writes them."""
        return [self._filled(shape, rows) for shape, rows in self._groups.items()]

    def _filled(self, shape: _Shape, rows: Sequence[Sequence[Any]]) -> Filled:
        named = len(shape.where)
        columns: list[Sequence[Any]] = [*zip(*rows, strict=True)]
        filled, names, once = columns[:named], [], []
        for name, values in zip(shape.names, columns[named:], strict=True):
            now = values.count(NOW) if name in _times(shape.table) else 0
            if now == len(values):
                once.append(name)
                continue
            names.append(name)
            filled.append([self._now if it is NOW else it for it in values] if now else values)
        statement = shape.statement(tuple(names), tuple(once))
        return Filled(statement, filled, [self._now] * len(once))


async def run_together(raw: Raw, those: Sequence[Filled]) -> None:
    """Run statements of which none hangs on another in one round trip, if they allow that.

    Each round trip waits for an event loop that has much else to do, so three of them make a
    batch last half as long again.
    """
    if len(those) > 1 and not any(each.statement.given.one_by_one for each in those):
        text = _joined(tuple(each.statement.text for each in those))
        parameters = (each.statement.given.together(each.columns, each.once) for each in those)
        await raw.execute(text, *(one for some in parameters for one in some))
        return
    for each in those:
        await each.run(raw)


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


def _taken_apart(write: RowWrite) -> tuple[_Shape, list[Any]]:
    """Return what makes a row's statement, and the row's values in their order there."""
    table = write.table
    if isinstance(write, Insert):
        return _Shape(Insert, table, (), tuple(write.values)), [*write.values.values()]
    if isinstance(write, Delete):
        return _Shape(Delete, table, tuple(write.where)), [*write.where.values()]
    named = {name: value for name, value in write.where.items() if value is not None}
    empty = tuple(name for name in write.where if name not in named)
    shape = _Shape(Update, table, tuple(named), tuple(write.values), empty)
    return shape, [*named.values(), *write.values.values()]


@cache
def _times(table: Table) -> frozenset[str]:
    """Return the columns that may get the time of the commit."""
    return frozenset(c.name for c in table.columns if isinstance(c.type, DateTime))


def _same(where: Sequence[str], empty: Sequence[str] = ()) -> str:
    same = [f"t.{name} = v.n{number}" for number, name in enumerate(where)]
    return " AND ".join(same + [f"t.{name} IS NULL" for name in empty])
