"""Tables for people: at any width ids are whole or short, and nothing is left out unsaid.

A table that does not fit becomes narrower in this order: texts are cut, with a sign; ids are shown
by their ends, which every command takes (`cli.ids`); and at last each row is shown as lines of its
own. In a pipe, where nobody sees a width, there is room for 200 characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from cli.console import speaks_unicode
from cli.ids import short_forms
from core.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

_GAP: Final = 2
_LEAST: Final = 12
"""A text's column is not made narrower than this."""


class Kind(Enum):
    """What may be done to a column's cells when there is no room."""

    WHOLE = auto()
    TEXT = auto()
    ID = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column: its name, what it holds, and whether its cells stand to the right."""

    name: str
    kind: Kind = Kind.WHOLE
    right: bool = False


def print_table(
    console: Console,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    styles: Sequence[str] = (),
) -> None:
    """Print rows of cells.

    Args:
        console: Where.
        columns: What the cells are.
        rows: A text for each column; of ids the whole ones.
        styles: rich's style of each row; none by default.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    width = console.width
    wanted = _widths(columns, cells)
    if not _fits(columns, wanted, width):
        cells = _with_short_ids(columns, cells)
        wanted = _widths(columns, cells)
    if _fits(columns, wanted, width):
        lines = _as_table(columns, cells, _narrowed(columns, wanted, width))
        console.print(Text(next(lines), "bold"), soft_wrap=True)
        for number, line in enumerate(lines):
            console.print(Text(line, styles[number] if styles else ""), soft_wrap=True)
        return
    for number, row in enumerate(cells):
        if number:
            console.print()
        for line in _as_lines(columns, row, width):
            console.print(Text(line, styles[number] if styles else ""), soft_wrap=True)


def fitted(text: str, width: int) -> str:
    """Return a text of at most so many terminal cells, with a sign where it is cut."""
    if cell_len(text) <= width:
        return text
    sign = "…" if speaks_unicode() else "..."
    return set_cell_size(text, max(0, width - len(sign))).rstrip() + sign


def _widths(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[int]:
    return [
        max([cell_len(column.name), *(cell_len(row[place]) for row in cells)])
        for place, column in enumerate(columns)
    ]


def _least(columns: Sequence[Column], wanted: Sequence[int]) -> list[int]:
    return [
        min(width, _LEAST) if column.kind is Kind.TEXT else width
        for column, width in zip(columns, wanted, strict=True)
    ]


def _fits(columns: Sequence[Column], wanted: Sequence[int], width: int) -> bool:
    return sum(_least(columns, wanted)) + _GAP * (len(columns) - 1) <= width


def _narrowed(columns: Sequence[Column], wanted: Sequence[int], width: int) -> list[int]:
    """Return the widths at which all of it fits: texts share what the others leave."""
    widths = _least(columns, wanted)
    spare = width - sum(widths) - _GAP * (len(columns) - 1)
    for place, full in enumerate(wanted):
        more = min(spare, full - widths[place])
        widths[place] += more
        spare -= more
    return widths


def _with_short_ids(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[list[str]]:
    short = [
        short_forms([row[place] for row in cells]) if column.kind is Kind.ID else {}
        for place, column in enumerate(columns)
    ]
    return [[short[place].get(cell, cell) for place, cell in enumerate(row)] for row in cells]


def _as_table(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: Sequence[int]
) -> Iterator[str]:
    for row in ([column.name for column in columns], *cells):
        padded = []
        for column, cell, width in zip(columns, row, widths, strict=True):
            text = fitted(cell, width)
            blanks = " " * (width - cell_len(text))
            padded.append(blanks + text if column.right else text + blanks)
        yield (" " * _GAP).join(padded).rstrip()


def _as_lines(columns: Sequence[Column], row: Sequence[str], width: int) -> Iterator[str]:
    """Yield a row as lines of a name and a value; what must stay whole goes on below."""
    names = max(cell_len(column.name) for column in columns)
    room = max(_LEAST, width - names - _GAP)
    for column, cell in zip(columns, row, strict=True):
        if not cell:
            continue
        pieces = [fitted(cell, room)] if column.kind is Kind.TEXT else list(_folded(cell, room))
        for number, piece in enumerate(pieces):
            yield f"{column.name if number == 0 else '':{names}}  {piece}"


def _folded(text: str, room: int) -> Iterator[str]:
    """Break a text at blanks; a word that is longer than the room stays in one piece."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}".strip()
        if line and cell_len(longer) > room:
            yield line
            longer = word
        line = longer
    yield line
