"""`roadmap workflows` and `roadmap run`: which workflows there are, and a task of one."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.arguments import DataDirOption, JsonOption, YesOption
from cli.completion import workflow_names
from cli.console import emit, emit_json, note
from cli.data_dir import DEFAULT
from cli.exits import EPILOG, ExitCode, usage

if TYPE_CHECKING:
    from workflow.definition import Definition

app = typer.Typer()


class What(StrEnum):
    """What to do about workflows, but for listing them."""

    CHECK = "check"


@app.command(epilog=EPILOG)
def workflows(
    what: Annotated[
        What | None,
        typer.Argument(
            metavar="CHECK",
            case_sensitive=False,
            help="`check`: import those of ROADMAP_WORKFLOWS and of installed packages here, and"
            " say what is wrong. Needs no stack and starts nothing.",
            show_default="list those of the stack",
        ),
    ] = None,
    *,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """List the workflows that the stack knows, or check those that are set up here.

    A check that finds something wrong ends with exit code 1.
    """
    if what is What.CHECK:
        _check(json=json)
        return
    from cli.client import Client

    with Client(data_dir) as client:
        found = client.workflows()
    if json:
        emit_json(found)
    else:
        _print(found["workflows"])


@app.command(epilog=EPILOG)
def run(
    name: Annotated[
        str,
        typer.Argument(
            help="The workflow, as `roadmap workflows` lists it.", autocompletion=workflow_names
        ),
    ],
    *,
    given: Annotated[
        str,
        typer.Option(
            "--input",
            "-i",
            metavar="JSON|@FILE|-",
            help="What is asked for, in the workflow's own shape: JSON, a file with it, or `-` for"
            " stdin.",
        ),
    ] = "{}",
    no_review: Annotated[
        bool, typer.Option("--no-review", help="Take every review as approved.")
    ] = False,
    yes: YesOption = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not watch.")] = False,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Run a task of any workflow, and watch until it has ended.

    On a terminal reviews are asked for; elsewhere the command ends with exit code 5 when one is
    due, unless --yes or --no-review is given. Ctrl-C detaches; the task goes on.
    """
    from cli.client import Client
    from cli.json_input import read_input
    from cli.task_commands import watched

    request = read_input(given, what="the request")
    if not isinstance(request, dict):
        raise usage('--input must hold a JSON object, such as \'{"topic": "Wind"}\'.')
    with Client(data_dir) as client:
        task = client.run(name, request, review=False if no_review else None)
        watched(client, task, json=json, yes=yes, detach=detach)


def _check(*, json: bool) -> None:
    """Import what is set up here and tell of each workflow, or what is wrong."""
    from core.errors import AppError
    from wiring.common import bring_workflows
    from workflow.registry import definitions
    from workflow.showing import workflow_views

    try:
        bring_workflows(slow=note)
        found = [view.model_dump(mode="json") for view in workflow_views()]
        hints = [hint for each in definitions() if (hint := _hint(each))]
    except AppError as error:
        if json:
            emit_json({"ok": False, "error": {"code": error.code, "message": error.message}})
        note(f"Error: {error.message}")
        raise typer.Exit(ExitCode.FAILED) from None
    if json:
        emit_json({"ok": True, "workflows": found, "hints": hints})
        return
    _print(found)
    for hint in hints:
        note(f"Hint: {hint}")
    emit("All workflows are in order.")


def _hint(workflow: "Definition") -> str | None:
    """Return what is allowed, and mostly not meant: fields of a request that nobody reads."""
    from pydantic import RootModel

    model = workflow.request
    if model.model_config.get("extra", "ignore") != "ignore" or issubclass(model, RootModel):
        return None
    name = model.__name__.partition("[")[0]  # of a `Request[int]`, as its class is written
    return (
        f"the workflow {workflow.name!r} leaves out fields that its request does not have, misspelt"
        f' ones too. `class {name}(BaseModel, extra="forbid")` refuses them by name.'
    )


def _print(found: list[dict[str, Any]]) -> None:
    from cli.console import make_console, shown

    console = make_console()
    for each in found:
        console.print(shown(f"{each['name']}  version {each['version']}", "bold"))
        if each.get("description"):
            console.print(shown(f"  {each['description']}"))
        console.print(shown(f"  {' → '.join(map(_step, each['steps']))}", "dim"))
        console.print(shown(f"  asks for: {_asked(each.get('request_schema') or {})}", "dim"))


def _asked(schema: dict[str, Any]) -> str:
    """Return the names of what a request takes; one without names says what it takes at all."""
    fields, needed = schema.get("properties") or {}, set(schema.get("required") or ())
    if not fields and schema.get("additionalProperties"):
        return "any names"
    return ", ".join(f"{name}{'' if name in needed else '?'}" for name in fields) or "nothing"


def _step(step: dict[str, Any]) -> str:
    kinds = f": {', '.join(step['kinds'])}" if len(step["kinds"]) > 1 else ""
    marks = ([f"parts{kinds}"] if step["parts"] else []) + (["review"] if step["reviewed"] else [])
    return f"{step['name']} ({'; '.join(marks)})" if marks else str(step["name"])
