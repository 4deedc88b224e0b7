"""Prints a roadmap, finished or not: the tree, or one concept in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from cli.console import make_console, shown, shown_markdown
from cli.costs import cost_table
from cli.exits import usage as usage_error
from cli.hints import command
from cli.outline_view import concepts, kinds_of, marks_of_contents, outline_tree, tree_console
from core.visible import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from cli.client import Client

_UNUSABLE: Final = "invalid_request"
"""A task whose request is not valid: trying it again would be refused."""
_NEXT: Final = {
    "pending": ("It waits for a worker", "watch"),
    "processing": ("It is being made", "watch"),
    "human_review_pending": ("It waits for a review", "review"),
    "partial_failure": ("Not everything could be written", "retry"),
    "failed": ("It failed", "retry"),
    "cancelled": ("It was cancelled", "retry"),
}


def show_roadmap(client: Client, roadmap: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Print a roadmap's tree and what it cost unless quiet; return both."""
    usage = client.usage(roadmap["task_id"])
    if not quiet:
        console = tree_console()
        console.print(outline_tree(roadmap, marks=True))
        said = {"completed": "ready", "pending": "waiting"}
        marks = (f"{mark} {said.get(name, name)}" for name, mark in marks_of_contents().items())
        kinds = ", ".join(label.lower() for label in kinds_of(roadmap).values())
        console.print(Text(f"marks: {kinds}  " + "  ".join(marks)))
        table = Table(box=None, show_header=False, pad_edge=False)
        for step, took in cost_table(usage):
            table.add_row(Text(step, style="dim"), Text(took))
        console.print()
        console.print(table)
    return roadmap | {"usage": usage}


def next_step(task: dict[str, Any]) -> str:
    """Return why a task is not complete, and the command that goes on; nothing when it is."""
    said, name = _NEXT.get(task["status"], ("", ""))
    if not said:
        return ""
    error = task.get("error") or {}
    why = str(error.get("message", "")).strip()
    go_on = again(task["task_id"], code=error.get("code")) if name == "retry" else ""
    go_on = go_on or f"Go on with: {command(name, task['task_id'])}"
    return f"{said}{f': {one_line(why)}' if why else '.'} {go_on}"


def again(task_id: str, *, code: str | None) -> str:
    """Return how to try a task again that ended without completing.

    Args:
        task_id: The task.
        code: The code of its error, if it has one.
    """
    if code == _UNUSABLE:
        return f"Ask anew, with a request that is valid: {command('generate', 'GOAL')}"
    return f"Retry what is missing: {command('retry', task_id)}"


def show_concept(
    client: Client, roadmap: dict[str, Any], wanted: str, *, quiet: bool
) -> dict[str, Any]:
    """Print a concept's contents unless quiet; return the concept.

    Raises:
        CommandError: The roadmap has no such concept.
    """
    concept_id = _find(roadmap, wanted)
    concept = client.concept(roadmap["roadmap_id"], concept_id)
    if not quiet:
        _print(make_console(), concept, kinds_of(roadmap))
    return concept


def tutorial_excerpt(markdown: str, *, lines: int) -> str:
    """Return the beginning of a tutorial, cut at a line."""
    kept = markdown.strip().splitlines()
    return "\n".join(kept[:lines]) + ("\n\n…" if len(kept) > lines else "")


def _find(roadmap: dict[str, Any], wanted: str) -> str:
    folded = wanted.casefold()
    found = [
        concept
        for concept in concepts(roadmap)
        if concept["concept_id"] == wanted or concept["title"].casefold() == folded
    ] or [concept for concept in concepts(roadmap) if folded in concept["title"].casefold()]
    if not found:
        raise usage_error(
            f"No concept of this roadmap is called '{wanted}'; `roadmap show` without --concept"
            " lists them."
        )
    if len(found) != 1:
        raise usage_error(
            f"{len(found)} concepts of this roadmap are called so or alike: '{wanted}'. "
            "Give the full title or id of one."
        )
    return str(found[0]["concept_id"])


def _print(console: Console, concept: dict[str, Any], kinds: dict[str, str]) -> None:
    from roadmaps.kinds import KINDS, printed  # much else, which other commands do not need

    for name, label in kinds.items():
        content = concept.get(name)
        if content is None:
            console.print(shown(f"{concept['title']}: there is no {label.lower()} yet."))
            continue
        kind = KINDS.get(name)  # a newer server may have others
        if kind is None or kind.text is None:
            console.rule(label)
        for line in printed(content) if kind is None else kind.printed(content):
            if line.markdown:
                console.print(shown_markdown(line.text))
            else:
                console.print(shown(line.text, "bold" if line.strong else ""))
