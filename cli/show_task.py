"""Prints a task of any workflow: what its steps gave, its parts and where each is, or one part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from cli.console import make_console, shown
from cli.costs import cost_table
from cli.exits import usage as usage_error
from cli.outline_view import marks_of_contents, style_of_content
from cli.titles import title_of
from cli.values import print_value

if TYPE_CHECKING:
    from rich.console import Console

    from cli.client import Client

_MOST_PARTS = 200
"""Shown in a table; whoever has more asks with --json."""


def show_task(
    client: Client,
    task: dict[str, Any],
    *,
    with_parts: bool = True,
    kind: str | None = None,
    quiet: bool,
) -> dict[str, Any]:
    """Print a task's results, parts and cost unless quiet; return all that.

    Args:
        client: The API.
        task: The task.
        with_parts: With its parts, and what the steps gave that make them.
        kind: Only parts of this kind.
        quiet: Print nothing.
    """
    task_id = str(task["task_id"])
    results = client.results(task_id, parts=with_parts and quiet)  # a table does without bodies
    parts = client.parts(task_id, kind=kind) if with_parts else []
    usage = client.usage(task_id)
    if not quiet:
        console = make_console()
        head = shown(title_of(task), "bold")
        head.append(f"  {task.get('workflow', 'roadmap')}, {task['status']}", style="dim")
        console.print(head)
        for step in (each for each in results["steps"] if not each["parts"]):
            console.print()
            console.print(shown(step["title"], "bold cyan"))
            print_value(console, results["results"][step["step"]], step.get("schema"))
        _print_parts(console, parts)
        _print_traces(console, task)
        console.print()
        table = Table(box=None, show_header=False, pad_edge=False)
        for step, took in cost_table(usage):
            table.add_row(Text(step, style="dim"), Text(took))
        console.print(table)
    listed = {"parts": parts} if with_parts else {}
    return {"task": task, **results, **listed, "usage": usage}


def show_part(
    client: Client, task: dict[str, Any], wanted: str, *, quiet: bool
) -> list[dict[str, Any]]:
    """Print a part in all its kinds, or in one, unless quiet; return them.

    Args:
        client: The API.
        task: The task.
        wanted: `step/key` or `step/key/kind`; a key may have slashes of its own.
        quiet: Print nothing.

    Raises:
        CommandError: There is none.
    """
    task_id = str(task["task_id"])
    step, _, rest = wanted.partition("/")
    parts = client.parts(task_id, step=step) if rest else []
    key, _, kind = rest.rpartition("/")
    found = [part for part in parts if part["key"] == rest] or [
        part for part in parts if (part["key"], part["kind"]) == (key, kind)
    ]
    if not found:
        raise usage_error(
            f"The task has no part '{wanted}'; name it as step/key or step/key/kind."
            " `roadmap show` without --part lists them."
        )
    bodies = [client.part(task_id, step, part["key"], kind=part["kind"]) for part in found]
    if not quiet:
        console = make_console()
        for body in bodies:
            console.rule(f"{body['title']}: {body['kind']}, version {body['version']}")
            if body["body"] is None:
                error = body.get("error") or {}
                console.print(shown(f"It is {body['status']}. {error.get('message', '')}".strip()))
            else:
                print_value(console, body["body"], body.get("schema"))
    return bodies


def _print_traces(console: Console, task: dict[str, Any]) -> None:
    """Print what the author's code raised, each traceback once; only admins are told of it."""
    failed = [task.get("error") or {}, *(task.get("failed_contents") or [])]
    of: dict[str, list[str]] = {}
    for error in failed:
        if error.get("trace"):
            name = f"{error.get('step')}/{error['key']}" if "key" in error else error.get("step")
            of.setdefault(str(error["trace"]).rstrip(), []).append(str(name))
    for trace, names in of.items():
        console.print()
        console.print(shown(f"{', '.join(names)}:", "bold red"))
        for line in trace.splitlines():
            console.print(shown(line, "dim"), soft_wrap=True)


def _print_parts(console: Console, parts: list[dict[str, Any]]) -> None:
    if not parts:
        return
    console.print()
    table = Table(box=None, show_header=False, pad_edge=False)
    for part in parts[:_MOST_PARTS]:
        status = str(part["status"])
        mark = Text(marks_of_contents().get(status, "?"), style=style_of_content(status))
        error = part.get("error") or {}
        why = f"{error.get('code', '')}: {error.get('message', '')}" if error else ""
        name = f"{part['step']}/{part['key']}"
        name += "" if part["kind"] == part["step"] else f"/{part['kind']}"
        table.add_row(mark, shown(name), shown(part["title"], "dim"), shown(why, "red"))
    console.print(table)
    if len(parts) > _MOST_PARTS:
        console.print(shown(f"and {len(parts) - _MOST_PARTS:,} more; --json has all", "dim"))
