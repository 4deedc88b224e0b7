"""Values of many rows as what a statement is given: column by column.

The driver takes 0.8 µs over each text in an array and 2 µs over each time, so texts go as one text
that PostgreSQL takes apart about as quickly as it reads an array, and a time that is the same in
all rows goes once.
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from sqlalchemy import String
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from db.dialing import json_text
from db.facts import JsonText

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

Columns = Sequence[Sequence[Any]]
"""The values of each column, in the order of a statement's columns; row by row in each."""

_DIALECT: Final[Any] = postgresql.dialect()  # type: ignore[no-untyped-call]
_PARTING: Final = "\x1f"
"""Stands before each text; JSON never has it as it is."""
_NOTHING: Final = "\x1e"
"""Stands for NULL among texts."""


class Given:
    """What a statement is given: columns that differ from row to row, and values of all rows."""

    __slots__ = ("_texts", "columns", "once", "one_by_one")

    def __init__(self, table: Table, names: Sequence[str], once: Sequence[str]) -> None:
        """Say what there will be.

        Args:
            table: Whose columns.
            names: Those that differ, the first parameters.
            once: Those that have one value, the parameters after them.
        """
        self.columns = tuple(table.c[name] for name in names)
        self.once = tuple(table.c[name] for name in once)
        self.one_by_one = any(isinstance(column.type, ARRAY) for column in self.columns)
        """Arrays of arrays have one length, so these rows are written one after the other."""
        self._texts = [n for n, column in enumerate(self.columns) if _is_text(column)]

    def rows(self) -> str:
        """Return the table, in SQL, of all rows that are given: `v(n0, n1, …)`."""
        parting = len(self.columns) + len(self.once) + 1
        arrays = (
            f"(string_to_array(${number}, ${parting}, ${parting + 1}))[2:]"
            if _is_text(column)
            else f"${number}"
            for number, column in enumerate(self.columns, 1)
        )
        typed = (
            f"{array}::{_type(column)}[]"
            for array, column in zip(arrays, self.columns, strict=True)
        )
        names = ", ".join(f"n{number}" for number in range(len(self.columns)))
        return f"unnest({', '.join(typed)}) AS v({names})"

    def of_all(self) -> list[str]:
        """Return the values, in SQL, that all rows have."""
        first = len(self.columns) + 1
        return [f"${number}::{_type(column)}" for number, column in enumerate(self.once, first)]

    def together(self, columns: Columns, once: Sequence[Any]) -> list[Any]:
        """Return the parameters for rows that are written at once."""
        given = [_none_if_all(values) for values in self._written(columns)]
        if not self._texts:
            return [*given, *once]
        texts = [place for place in self._texts if given[place] is not None]
        *joined, parting, nothing = joined_texts([given[place] for place in texts])
        for place, text in zip(texts, joined, strict=True):
            given[place] = text
        return [*given, *once, parting, nothing]

    def each(self, columns: Columns, once: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the parameters for each of the rows."""
        return [(*values, *once) for values in zip(*self._written(columns), strict=True)]

    def _written(self, columns: Columns) -> list[Sequence[Any]]:
        """Return columns with what is to be JSON as JSON."""
        return [
            [_as_json(value) for value in values] if isinstance(column.type, JSONB) else values
            for column, values in zip(self.columns, columns, strict=True)
        ]


def joined_texts(columns: Sequence[Sequence[str | None]]) -> list[str]:
    """Return columns of texts as one text each, then what parts texts and what stands for NULL.

    Each begins with what parts texts: what is before that is left out when they are taken apart.
    Without it a column of one empty text would be one of no texts.

    Raises:
        DataError: One of them is no text; as the driver says it, which does not see them now.
    """
    parting, nothing = _PARTING, _NOTHING
    while True:
        try:
            joined = [
                parting + parting.join([nothing if text is None else text for text in texts])
                for texts in columns
            ]
        except TypeError as error:
            raise asyncpg.DataError(f"a column of texts: {error}") from None
        if all(
            whole.count(parting) == len(texts) and whole.count(nothing) == texts.count(None)
            for whole, texts in zip(joined, columns, strict=True)
        ):
            return [*joined, parting, nothing]
        parting, nothing = token_hex(8), token_hex(8)  # these stand in some text


def _none_if_all(values: Sequence[Any]) -> Any:
    """Return no array for a column without any value: `unnest` fills up what is short by NULL."""
    return None if values[0] is None and values.count(None) == len(values) else values


def _as_json(value: Any) -> str | None:
    return value if value is None or type(value) is JsonText else json_text(value)


def _is_text(column: Column[Any]) -> bool:
    return isinstance(column.type, String | JSONB)


def _type(column: Column[Any]) -> str:
    return str(column.type.compile(dialect=_DIALECT))
