"""Any JSON value for people: fields by their names, lists as points, long texts as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.console import shown, shown_markdown
from cli.schema_order import in_order
from core.printed import printed

if TYPE_CHECKING:
    from rich.console import Console

_FORMATS: Final = ("markdown", "text/markdown")


def print_value(console: Console, value: Any, schema: dict[str, Any] | None = None) -> None:
    """Print a value.

    Args:
        console: Where.
        value: What JSON can hold.
        schema: Its JSON Schema, which tells the order of fields, and may say that one is Markdown.
    """
    for line in printed(in_order(value, schema), markdown=_markdown_field(value, schema)):
        if line.markdown:
            console.print(shown_markdown(line.text))
        else:
            console.print(shown(line.text, "bold" if line.strong else ""))


def _markdown_field(value: Any, schema: dict[str, Any] | None) -> str | None:
    """Return which field is a text in Markdown: by its schema, or by the name that it has."""
    if not isinstance(value, dict):
        return None
    for name, field in ((schema or {}).get("properties") or {}).items():
        told = isinstance(field, dict) and (
            field.get("contentMediaType") in _FORMATS or field.get("format") in _FORMATS
        )
        if told and isinstance(value.get(name), str):
            return str(name)
    return "markdown" if isinstance(value.get("markdown"), str) else None
