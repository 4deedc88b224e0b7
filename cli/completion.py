"""`roadmap completion`: what a shell needs to complete words, task ids and statuses."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.console import emit, emit_json
from cli.exits import EPILOG
from cli.titles import title_of
from core.states import RETRYABLE, TERMINAL, Status
from core.visible import cut, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

app = typer.Typer()

PATIENCE_S: Final = 0.7
"""A shell waits for us at each Tab; a stack that takes longer completes nothing."""
_GOAL_SHOWN: Final = 40


class Shell(StrEnum):
    """Shells that can be served."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command(epilog=EPILOG)
def completion(
    shell: Annotated[Shell, typer.Argument(help="Your shell.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout instead of text.")] = False,
) -> None:
    """Print the completion script for a shell, as in `source <(roadmap completion bash)`."""
    from typer._completion_shared import get_completion_script

    script = get_completion_script(
        prog_name="roadmap", complete_var="_ROADMAP_COMPLETE", shell=shell.value
    )
    if json:
        emit_json({"shell": shell.value, "script": script})
    else:
        emit(script)


def statuses(incomplete: str) -> list[str]:
    """Complete a status."""
    return [str(status) for status in Status if status.startswith(incomplete)]


def levels(incomplete: str) -> list[str]:
    """Complete a learner's level."""
    known = ("beginner", "intermediate", "advanced")
    return [level for level in known if level.startswith(incomplete)]


def tasks(*wanted: Status) -> Callable[[typer.Context, str], list[tuple[str, str]]]:
    """Return what completes the ids of tasks in some statuses, newest first; none is any."""

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        try:
            known = _newest(ctx.params["data_dir"], wanted)
        except Exception:  # noqa: BLE001 - a shell that waits for Tab must not be told errors
            return []
        return [
            (task["task_id"], f"{task['status']}: {cut(one_line(title_of(task)), _GOAL_SHOWN)}")
            for task in known
            if task["task_id"].startswith(incomplete)
        ]

    return complete


any_task: Final = tasks()
running_task: Final = tasks(*(status for status in Status if status not in TERMINAL))
failed_task: Final = tasks(*RETRYABLE)
reviewed_task: Final = tasks(Status.HUMAN_REVIEW_PENDING)


def workflow_names(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the name of a workflow."""
    try:
        known = _asked(ctx.params["data_dir"], "workflows")["workflows"]
    except Exception:  # noqa: BLE001 - a shell that waits for Tab must not be told errors
        return []
    return [
        (str(each["name"]), cut(one_line(str(each["title"])), _GOAL_SHOWN))
        for each in known
        if str(each["name"]).startswith(incomplete)
    ]


def _newest(data_dir: Path, wanted: tuple[Status, ...]) -> list[dict[str, Any]]:
    query = "".join(f"&status={status}" for status in wanted)
    found: list[dict[str, Any]] = _asked(data_dir, f"tasks?limit=20{query}")["tasks"]
    return found


def _asked(data_dir: Path, what: str) -> dict[str, Any]:
    import urllib.request  # only when the API is asked

    from cli.discovery import find_target
    from cli.probes import answer_of

    target = find_target(data_dir)
    headers = {"Authorization": f"Bearer {target.token}"} if target.token else {}
    request = urllib.request.Request(  # noqa: S310 - the address is the user's own setting
        f"{target.api_url}/api/v1/{what}", headers=headers
    )
    answer: dict[str, Any] = json.loads(answer_of(request, timeout_s=PATIENCE_S)[1])
    return answer
