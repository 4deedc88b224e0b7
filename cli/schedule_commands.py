"""`roadmap schedule`: maintenance jobs, when they run, how they went. Admins only."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.arguments import DataDirOption, JsonOption
from cli.console import emit, emit_json
from cli.data_dir import DEFAULT
from cli.exits import EPILOG
from cli.moments import interval, moment

app = typer.Typer(help="Maintenance jobs.", no_args_is_help=True, epilog=EPILOG)

_WORDS: Final = {"rung": "sent to the queue again"}

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The job, as in `purge`.")]


@app.command("list", epilog=EPILOG)
def list_schedules(*, data_dir: DataDirOption = DEFAULT, json: JsonOption = False) -> None:
    """List the jobs with their last and next run."""
    from cli.client import Client

    with Client(data_dir) as client:
        document = client.schedules()
    if json:
        emit_json(document)
        return
    from cli.outline_view import tree_console
    from cli.tables import Column, print_table

    names = ("job", "every", "next run", "last run", "took", "outcome")
    columns = [Column(name=name) for name in names]
    print_table(tree_console(), columns, [_cells(job) for job in document["schedules"]])


@app.command(epilog=EPILOG)
def pause(
    name: NameArgument, *, data_dir: DataDirOption = DEFAULT, json: JsonOption = False
) -> None:
    """Let a job not run when it is due, until it is resumed."""
    _do(name, "pause", data_dir, json=json)


@app.command(epilog=EPILOG)
def resume(
    name: NameArgument, *, data_dir: DataDirOption = DEFAULT, json: JsonOption = False
) -> None:
    """Let a paused job run when it is due."""
    _do(name, "resume", data_dir, json=json)


@app.command(epilog=EPILOG)
def run(name: NameArgument, *, data_dir: DataDirOption = DEFAULT, json: JsonOption = False) -> None:
    """Have a job run once, now; nothing else about it changes."""
    _do(name, "run", data_dir, json=json)


def _do(name: str, verb: str, data_dir: Path, *, json: bool) -> None:
    from cli.client import Client

    with Client(data_dir) as client:
        job = client.schedule(name, verb)
    if json:
        emit_json(job)
    elif verb == "run":
        emit(f"A worker was asked to run {job['name']}; `roadmap schedule list` tells how it went.")
    elif job["paused"]:
        emit(f"{job['name']} is paused.")
    else:
        next_run = moment(job["next_run_at"])
        emit(f"{job['name']} runs every {interval(job['interval_s'])}; next: {next_run}.")


def _cells(job: dict[str, Any]) -> tuple[str, ...]:
    took = job["duration_s"]
    outcome = job["outcome"] or {}
    return (
        job["name"],
        interval(job["interval_s"]),
        "paused" if job["paused"] else moment(job["next_run_at"]),
        moment(job["last_run_at"]),
        "-" if took is None else f"{took:.2f} s",
        ", ".join(_counted(fact, value) for fact, value in outcome.items()) or "-",
    )


def _counted(fact: str, value: object) -> str:
    """Return a fact of an outcome in plain words: `rung` is our own word."""
    return f"{_WORDS.get(fact, fact).replace('_', ' ')} {_value(value)}"


def _value(value: Any) -> str:
    """Return a fact of an outcome for people: no Python, no JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        return " ".join(map(_value, value)) or "none"
    return "none" if value is None else str(value)
