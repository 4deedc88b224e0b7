"""`roadmap show`: a roadmap, or one concept of it."""

from typing import Annotated, Any

import typer

from cli.arguments import PART_OF_ID, DataDirOption, JsonOption
from cli.completion import any_task
from cli.console import emit_json, note
from cli.data_dir import DEFAULT
from cli.exits import EPILOG, usage

app = typer.Typer()


@app.command(epilog=EPILOG)
def show(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID", help=f"A task's or a roadmap's id, {PART_OF_ID}", autocompletion=any_task
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


def _roadmap(client: Any, identifier: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a roadmap by its own id or its task's, and the task."""
    from cli.api_errors import ApiError
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
