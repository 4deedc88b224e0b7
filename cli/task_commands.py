"""The client commands about tasks: generate, watch, list, retry, cancel."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.arguments import AnyTask, DataDirOption, FailedTask, JsonOption, RunningTask, YesOption
from cli.completion import levels, statuses, workflow_names
from cli.console import emit, emit_json, note
from cli.data_dir import DEFAULT
from cli.exits import EPILOG, ExitCode
from cli.hints import command
from cli.moments import local, moment
from cli.titles import title_of
from core.states import Status

app = typer.Typer()


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
    yes: YesOption = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not watch.")] = False,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Generate a roadmap, and watch until it is there.

    On a terminal the review is asked for; elsewhere the command ends with exit code 5 when one
    is due, unless --yes or --no-review is given. Ctrl-C detaches; the task goes on.
    """
    from cli.client import Client

    preferences = {
        "level": level,
        "hours_per_week": hours_per_week,
        "language": language,
        "background": background,
    }
    given = {name: value for name, value in preferences.items() if value is not None}
    with Client(data_dir) as client:
        task = client.submit(goal, preferences=given, review=not no_review)
        watched(client, task, json=json, yes=yes, detach=detach)


def watched(client: Any, task: dict[str, Any], *, json: bool, yes: bool, detach: bool) -> None:
    """Watch a task that was asked for a moment ago to its end, or only say which it is.

    Args:
        client: The API.
        task: The task.
        json: JSON instead of text.
        yes: Approve every review.
        detach: Do not watch.
    """
    from cli.watching import Watch

    if not detach:
        _end(Watch(client, task, json=json, approve=yes).run())
    elif json:
        emit_json(task)
    else:
        emit(task["task_id"])
        note(f"Watch it: {command('watch', task['task_id'])}")


@app.command(epilog=EPILOG)
def watch(
    task: AnyTask,
    *,
    yes: YesOption = False,
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
    workflow: Annotated[
        str | None,
        typer.Option(
            help="Only those of this workflow.", autocompletion=workflow_names, show_default="all"
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
    """List your tasks, newest first; an admin's list has everybody's, and says whose they are."""
    from cli.client import Client

    with Client(data_dir) as client:
        page = client.tasks(status=status, workflow=workflow, cursor=cursor, limit=limit)
        asker = None if json or not page["tasks"] else client.user()
    if json:
        emit_json(page)
        return
    if not page["tasks"]:
        emit("No tasks.")
        return
    _print(page["tasks"], asker=asker)
    if page.get("next_cursor"):
        words = ["list", "--limit", str(limit)] + (["--status", status] if status else [])
        words += ["--workflow", workflow] if workflow else []
        note(f"There are more: {command(*words, '--cursor', page['next_cursor'])}")


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


def _print(tasks: list[dict[str, Any]], *, asker: str | None) -> None:
    """Print a page of tasks, with whose they are where one is not the asker's: an admin's list."""
    from cli.outline_view import tree_console
    from cli.tables import Column, Kind, print_table

    users = {task.get("user_id") for task in tasks}
    several = len({_workflow(task) for task in tasks}) > 1
    shared = len(users) > 1 or (asker is not None and users != {asker})
    columns = (
        Column(name="task", kind=Kind.ID),
        Column(name="status"),
        Column(name="progress", right=True),
        Column(name="created"),
        *((Column(name="user"),) if shared else ()),
        *((Column(name="workflow"),) if several else ()),
        Column(name="title", kind=Kind.TEXT),
    )
    rows = [_cells(task, shared=shared, several=several) for task in tasks]
    print_table(tree_console(), columns, rows)


def _workflow(task: dict[str, Any]) -> str:
    return str(task.get("workflow", "roadmap"))


def _cells(task: dict[str, Any], *, shared: bool, several: bool) -> tuple[str, ...]:
    progress = task["progress"]
    done = f"{progress['done']}/{progress['total']}" if progress["total"] else "-"
    user = (str(task["user_id"]),) if shared else ()
    return (
        task["task_id"],
        _status(task),
        done,
        moment(task["created_at"]),
        *user,
        *((_workflow(task),) if several else ()),
        title_of(task),
    )


def _status(task: dict[str, Any]) -> str:
    starts_at = task.get("starts_at")
    if task["status"] != "pending" or starts_at is None or local(starts_at) <= datetime.now(UTC):
        return str(task["status"])
    return f"waiting until {moment(starts_at)}"
