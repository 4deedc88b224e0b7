"""The client commands about tasks: generate, watch, list, show, review, retry, cancel."""

import json as jsonlib
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.completion import (
    any_task,
    failed_task,
    levels,
    reviewed_task,
    running_task,
    statuses,
)
from cli.console import emit, emit_json, note
from cli.data_dir import DEFAULT
from cli.exits import EPILOG, ExitCode, usage
from cli.hints import command
from core.states import Status, Then

app = typer.Typer()

DataDirOption = Annotated[
    Path, typer.Option("--data-dir", help="The stack to talk to, unless ROADMAP_API_URL is set.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of text.")]
_ID: Final = "whole, or eight or more characters of its end or beginning."
_ASKED: Final = "you are asked"
_TASK: Final[dict[str, Any]] = {"metavar": "TASK", "help": f"The task's id, {_ID}"}
AnyTask = Annotated[str, typer.Argument(**_TASK, autocompletion=any_task)]
RunningTask = Annotated[str, typer.Argument(**_TASK, autocompletion=running_task)]
FailedTask = Annotated[str, typer.Argument(**_TASK, autocompletion=failed_task)]
ReviewedTask = Annotated[str, typer.Argument(**_TASK, autocompletion=reviewed_task)]


@app.command(epilog=EPILOG)
def generate(  # noqa: PLR0913 - each is an option of the command
    goal: Annotated[str, typer.Argument(help='What you want to learn, as in "Learn Rust".')],
    *,
    level: Annotated[
        str | None,
        typer.Option(
            help="beginner, intermediate or advanced.",
            autocompletion=levels,
            show_default="beginner",
        ),
    ] = None,
    hours_per_week: Annotated[
        int | None, typer.Option(min=1, max=168, help="Time you have for it.", show_default="5")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(help="Language of the texts, as in `en`.", show_default="the goal's"),
    ] = None,
    background: Annotated[
        str | None, typer.Option(help="What you know already.", show_default="nothing")
    ] = None,
    no_review: Annotated[
        bool, typer.Option("--no-review", help="Write the contents without asking.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve every review.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not watch.")] = False,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Generate a roadmap, and watch until it is there.

    On a terminal the review is asked for; elsewhere the command ends with exit code 5 when one
    is due, unless --yes or --no-review is given. Ctrl-C detaches; the task goes on.
    """
    from cli.client import Client
    from cli.watching import Watch

    preferences = {
        "level": level,
        "hours_per_week": hours_per_week,
        "language": language,
        "background": background,
    }
    given = {name: value for name, value in preferences.items() if value is not None}
    with Client(data_dir) as client:
        task = client.submit(goal, preferences=given, review=not no_review)
        if detach:
            if json:
                emit_json(task)
            else:
                emit(task["task_id"])
                note(f"Watch it: {command('watch', task['task_id'])}")
            return
        _end(Watch(client, task, json=json, approve=yes).run())


@app.command(epilog=EPILOG)
def watch(
    task: AnyTask,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve every review.")] = False,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Show a task's progress from its beginning to its end, live."""
    from cli.client import Client
    from cli.watching import Watch

    with Client(data_dir) as client:
        known = client.task(client.full_id(task))
        _end(Watch(client, known, json=json, approve=yes).run())


@app.command("list", epilog=EPILOG)
def list_tasks(
    *,
    status: Annotated[
        str | None,
        typer.Option(
            help=f"Only those: {', '.join(Status)}.", autocompletion=statuses, show_default="all"
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    cursor: Annotated[
        str | None,
        typer.Option(
            help="Go on from here: `next_cursor` of the page before.",
            show_default="from the newest on",
        ),
    ] = None,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """List your tasks, newest first."""
    from cli.client import Client

    with Client(data_dir) as client:
        page = client.tasks(status=status, cursor=cursor, limit=limit)
    if json:
        emit_json(page)
        return
    if not page["tasks"]:
        emit("No tasks.")
        return
    from cli.task_list import print_tasks

    print_tasks(page["tasks"])
    if page.get("next_cursor"):
        words = ["list", "--limit", str(limit)] + (["--status", status] if status else [])
        note(f"There are more: {command(*words, '--cursor', page['next_cursor'])}")


@app.command(epilog=EPILOG)
def show(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID", help=f"A task's or a roadmap's id, {_ID}", autocompletion=any_task
        ),
    ],
    *,
    concept: Annotated[
        str | None,
        typer.Option(
            help="Show this concept's tutorial: its title or id.", show_default="the whole tree"
        ),
    ] = None,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Show where the task's time went instead.")
    ] = False,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Show a roadmap as a tree with what it cost, or one concept in full."""
    from cli.client import Client
    from cli.showing import next_step, show_concept, show_roadmap
    from cli.timeline import show_timeline

    with Client(data_dir) as client:
        identifier = client.full_id(identifier)
        if timeline:
            spans = show_timeline(client, identifier, quiet=json)
            if json:
                emit_json(spans)
            return
        roadmap, task = _roadmap(client, identifier)
        if concept is not None:
            document = show_concept(client, roadmap, concept, quiet=json)
        else:
            document = show_roadmap(client, roadmap, quiet=json)
            if not json and (advice := next_step(task)):
                note(advice)
    if json:
        emit_json(document)


@app.command(epilog=EPILOG)
def review(
    task: ReviewedTask,
    *,
    approve: Annotated[bool, typer.Option("--approve", help="Approve it.")] = False,
    reject: Annotated[
        str | None,
        typer.Option(
            metavar="FEEDBACK", help="Reject it, saying what to change.", show_default=_ASKED
        ),
    ] = None,
    edits: Annotated[
        Path | None,
        typer.Option(
            help="Change it yourself, and approve that: a file with a JSON list of edits, such as"
            ' [{"op": "rename", "concept_id": ID, "title": "Ownership"}].'
            " `roadmap review TASK --json` tells the ids. Operations: rename,"
            " remove, add, move, update; docs/API.md shows each.",
            show_default=_ASKED,
        ),
    ] = None,
    then: Annotated[
        Then | None,
        typer.Option(
            help="After --edits: approve the edited version, or review it.",
            show_default=str(Then.APPROVE),
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Decide only if this version is still under review.",
            show_default="the one under review now",
        ),
    ] = None,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Answer a task's review; without an option you are asked, or it is shown."""
    from cli.client import Client

    decision = _decision(approve=approve, reject=reject, edits=edits, then=then)
    with Client(data_dir) as client:
        task = client.full_id(task)
        if decision is None and not json and sys.stdin.isatty() and sys.stdout.isatty():
            _ask(client, task)
            return
        if decision is None:
            _show_open(client.review(task), json=json)
            raise typer.Exit(ExitCode.REVIEW)
        answer = client.decide(
            task, decision, version=version if version is not None else client.version(task)
        )
        if json:
            emit_json(answer)
        else:
            again = decision.get("then") == "review"
            emit(
                f"Edited; look at it again: {command('review', task)}"
                if again
                else f"Decided: {decision['decision']}. Watch it: {command('watch', task)}"
            )


@app.command(epilog=EPILOG)
def retry(
    task: FailedTask,
    *,
    follow: Annotated[bool, typer.Option("--watch", "-w", help="Watch it to its end.")] = False,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Have what failed, and only that, done again."""
    from cli.client import Client
    from cli.watching import Watch

    with Client(data_dir) as client:
        task = client.full_id(task)
        known = client.task(task)
        answer = client.retry(task)
        if follow:
            _end(Watch(client, known, json=json, approve=False, after=known["last_seq"]).run())
        elif json:
            emit_json(answer)
        else:
            emit(f"It is being done again. Watch it: {command('watch', task)}")


@app.command(epilog=EPILOG)
def cancel(
    task: RunningTask, *, data_dir: DataDirOption = DEFAULT, json: JsonOption = False
) -> None:
    """Stop a task; what is written stays, and a retry goes on from there."""
    from cli.client import Client

    with Client(data_dir) as client:
        task = client.full_id(task)
        answer = client.cancel(task)
        if json:
            emit_json(answer)
        else:
            emit(f"It is being stopped. To go on: {command('retry', task)}")


def _end(code: ExitCode) -> None:
    if code is not ExitCode.DONE:
        raise typer.Exit(code)


def _roadmap(client: Any, identifier: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a roadmap by its own id or its task's, and the task."""
    from cli.client import ApiError
    from cli.showing import next_step

    not_found = 404
    try:
        task = client.task(identifier)
    except ApiError as error:
        if error.status != not_found:
            raise
        try:
            roadmap: dict[str, Any] = client.roadmap(identifier)
        except ApiError as second:
            if second.status != not_found:
                raise
            raise usage(f"There is no such task or roadmap {identifier}.") from None
        return roadmap, client.task(roadmap["task_id"])
    if task["roadmap_id"] is None:
        raise usage(f"Task {identifier} has no roadmap yet. {next_step(task)}")
    return client.roadmap(task["roadmap_id"]), task


def _decision(
    *, approve: bool, reject: str | None, edits: Path | None, then: Then | None
) -> dict[str, Any] | None:
    if then is not None and edits is None:
        raise usage("--then goes with --edits.")
    if approve + (reject is not None) + (edits is not None) > 1:
        raise usage("Give only one of --approve, --reject and --edits.")
    if approve:
        return {"decision": "approve"}
    if reject is not None:
        return {"decision": "reject", "feedback": reject}
    if edits is None:
        return None
    try:
        changes = jsonlib.loads(edits.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise usage(f"Cannot read the edits in {edits}: {error}") from None
    if not isinstance(changes, list):
        raise usage(f"{edits} must hold a JSON list of edits.")
    return {"decision": "edit", "edits": changes} | ({"then": str(then)} if then else {})


def _ask(client: Any, task: str) -> None:
    from cli.console import make_console
    from cli.reviewing import Answered, Ask, answer_open_review

    client.review(task)  # says so when there is none
    answered = answer_open_review(client, task, Ask(make_console()), review_id=None)
    if answered is Answered.NOT_NOW:
        raise typer.Exit(ExitCode.REVIEW)
    emit(f"Watch it: {command('watch', task)}")


def _show_open(found: dict[str, Any], *, json: bool) -> None:
    if json:
        emit_json(found)
        return
    from cli.outline_view import tree_console
    from cli.reviewing import show_review

    show_review(tree_console(), found)
    note("Answer with --approve, --reject FEEDBACK or --edits FILE")
