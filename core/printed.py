"""Any content as lines for a terminal: how the command line prints a kind it knows little of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP: Final = "  "
_NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Line:
    """Something to print: a line, or a whole text in Markdown."""

    text: str
    strong: bool = False
    markdown: bool = False


def printed(value: Any, *, markdown: str | None = None, indent: str = "") -> Iterator[Line]:
    """Return a value of any shape: fields by their names, lists as points; null fields left out.

    Args:
        value: What JSON can hold.
        markdown: The name of the field that is a text in Markdown.
        indent: Stands before each line.
    """
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _field(name, inner, markdown, indent)
    elif isinstance(value, list):
        for inner in value:
            yield from _point(inner, indent)
    else:
        yield from (Line(indent + line) for line in _word(value).splitlines())


def _field(name: str, value: Any, markdown: str | None, indent: str) -> Iterator[Line]:
    if name == markdown and isinstance(value, str):
        yield Line(value, markdown=True)
        return
    words = name.replace("_", " ")
    title = f"{indent}{words[:1].upper()}{words[1:]}"  # a name may be NASA's
    if (isinstance(value, dict | list) and value) or "\n" in str(value):
        yield Line(title, strong=True)
        yield from printed(value, indent=indent + _STEP)
    elif value is not None:
        yield Line(f"{title}: {_word(value)}")


def _point(value: Any, indent: str) -> Iterator[Line]:
    first = True
    for line in printed(value, indent=indent + _STEP):
        text = line.text[len(indent) + len(_STEP) :]
        yield Line(f"{indent}{'• ' if first else _STEP}{text}", strong=line.strong)
        first = False
    if first:
        yield Line(f"{indent}• {_NOTHING}")


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value or isinstance(value, int | float) else _NOTHING
