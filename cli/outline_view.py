"""A roadmap as a tree: with a mark for each content, or as an outline to decide about."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text
from rich.tree import Tree

from cli.console import make_console, shown, speaks_unicode
from cli.moments import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_PIPE_WIDTH: Final = 200
_STYLES: Final = {
    "completed": "green",
    "failed": "bold red",
    "running": "yellow",
    "pending": "dim",
}
_MARKS: Final = {"completed": "✓", "failed": "✗", "running": "~", "pending": "·"}
_PLAIN_MARKS: Final = {"completed": "+", "failed": "x", "running": "~", "pending": "."}


def tree_console() -> Console:
    """Return a console that breaks no lines of a tree where nobody sees a width."""
    console = make_console()
    return console if console.is_terminal else make_console(width=_PIPE_WIDTH)


def marks_of_contents() -> dict[str, str]:
    """Return the mark for each state of a content, as the terminal can show it."""
    return _MARKS if speaks_unicode() else _PLAIN_MARKS


def style_of_content(status: str) -> str:
    """Return how the state of a content is coloured."""
    return _STYLES.get(status, "")


def concepts(roadmap: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return a roadmap's concepts in reading order."""
    for stage in roadmap.get("stages", ()):
        for module in stage.get("modules", ()):
            yield from module.get("concepts", ())


def kinds_of(roadmap: dict[str, Any]) -> dict[str, str]:
    """Return the kinds of contents that its concepts have, with what people call them."""
    if "kinds" in roadmap:
        return {str(kind["name"]): str(kind["label"]) for kind in roadmap["kinds"]}
    first = next(concepts(roadmap), {})  # an older server does not say
    return {name: name.capitalize() for name in first.get("contents") or ()}


def hours(roadmap: dict[str, Any]) -> float:
    """Return how long the whole roadmap takes to learn."""
    return sum(float(concept.get("estimated_hours") or 0) for concept in concepts(roadmap))


def hours_text(value: float) -> str:
    """Return hours as the pages write them: one decimal at most, halves up."""
    rounded = Decimal(value).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{rounded:,}".removesuffix(".0") + " h"


def outline_tree(roadmap: dict[str, Any], *, marks: bool) -> Tree:
    """Return the tree of a roadmap.

    Args:
        roadmap: As the API gives it.
        marks: Show the state of the contents instead of level and hours.
    """
    count = sum(1 for _ in concepts(roadmap))
    title = shown(roadmap.get("title") or "Roadmap", "bold")
    facts = (
        f"version {roadmap.get('version', '?')}",
        counted(count, "concept"),
        hours_text(hours(roadmap)),
    )
    title.append("  " + ", ".join(facts), style="dim")
    tree = Tree(title, guide_style="dim")
    for stage in roadmap.get("stages", ()):
        branch = tree.add(shown(stage.get("title", ""), "bold cyan"))
        for module in stage.get("modules", ()):
            leafs = branch.add(shown(module.get("title", ""), "cyan"))
            for concept in module.get("concepts", ()):
                leafs.add(_concept(concept, marks=marks))
    return tree


def changes_text(diff: list[dict[str, Any]]) -> list[str]:
    """Return what changed since the last round, one line each."""
    return [_change(change) for change in diff]


def _concept(concept: dict[str, Any], *, marks: bool) -> Text:
    if not marks:
        line = shown(concept.get("title", ""))
        time = concept.get("estimated_hours")
        facts = f"  {'?' if time is None else hours_text(time)}, {concept.get('difficulty', '')}"
        return line.append(facts, style="dim")
    line = Text()
    contents: dict[str, dict[str, Any]] = concept.get("contents") or {}
    for content in contents.values():
        status = str(content.get("status", "pending"))
        line.append(marks_of_contents().get(status, "?"), style=_STYLES.get(status, ""))
    line.append(" ").append(shown(concept.get("title", "")))
    failed = [kind for kind, content in contents.items() if content.get("status") == "failed"]
    for kind in failed:
        error = contents[kind].get("error") or {}
        code = error.get("code") if isinstance(error, dict) else error
        line.append(shown(f"  {kind}: {code}", "red"))
    return line


def _change(change: dict[str, Any]) -> str:
    what = f"{change.get('part', '')} '{change.get('title', '')}'"
    match change.get("change"):
        case "renamed":
            return (
                f"renamed {change.get('part', '')}: '{change.get('from')}' → '{change.get('to')}'"
            )
        case "moved":
            places = change.get("from_module"), change.get("to_module")
            return f"moved {what}" + (f": {places[0]} → {places[1]}" if all(places) else "")
        case "updated":
            return f"changed {change.get('field')} of {what}"
        case kind:
            return f"{kind} {what}"
