"""`roadmap show`: a roadmap or one concept of it, or what a task of another workflow made."""

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
    part: Annotated[
        str | None,
        typer.Option(
            metavar="STEP/KEY[/KIND]",
            help="Show this part of the task, in all its kinds or in one.",
            show_default="everything",
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="List only the task's parts of this kind.", show_default="all kinds"),
    ] = None,
    parts: Annotated[
        bool,
        typer.Option(
            "--parts/--no-parts", help="Leave out the task's parts: what its other steps gave."
        ),
    ] = True,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Show where the task's time went instead.")
    ] = False,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Show a roadmap as a tree with what it cost, or one concept in full.

    Of a task of another workflow: what its steps gave, its parts, and what it cost.
    """
    from cli.client import Client
    from cli.show_task import show_part, show_task
    from cli.showing import next_step, show_concept, show_roadmap
    from cli.timeline import show_timeline
    from cli.watching import is_own

    with Client(data_dir) as client:
        identifier = client.full_id(identifier)
        if timeline:
            spans = show_timeline(client, identifier, quiet=json)
            if json:
                emit_json(spans)
            return
        document: Any
        task, roadmap = _found(client, identifier)
        if part is not None:
            document = show_part(client, task, part, quiet=json)
        elif is_own(task):
            if concept is not None:
                raise usage("--concept is for roadmaps; name a part with --part.")
            document = show_task(client, task, with_parts=parts, kind=kind, quiet=json)
        elif kind is not None or not parts:
            raise usage("--kind and --no-parts are for other workflows than roadmaps.")
        else:
            roadmap = roadmap or _roadmap_of(client, task)
            document = (
                show_roadmap(client, roadmap, quiet=json)
                if concept is None
                else show_concept(client, roadmap, concept, quiet=json)
            )
        if concept is None and part is None and not json and (advice := next_step(task)):
            note(advice)
    if json:
        emit_json(document)


def _found(client: Any, identifier: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return a task by its own id, or by its roadmap's, which is returned then, too."""
    from cli.api_errors import ApiError

    not_found = 404
    try:
        return client.task(identifier), None
    except ApiError as error:
        if error.status != not_found:
            raise
    try:
        roadmap: dict[str, Any] = client.roadmap(identifier)
    except ApiError as error:
        if error.status != not_found:
            raise
        raise usage(f"There is no such task or roadmap {identifier}.") from None
    return client.task(roadmap["task_id"]), roadmap


def _roadmap_of(client: Any, task: dict[str, Any]) -> dict[str, Any]:
    from cli.showing import next_step

    if task["roadmap_id"] is None:
        raise usage(f"Task {task['task_id']} has no roadmap yet. {next_step(task)}")
    roadmap: dict[str, Any] = client.roadmap(task["roadmap_id"])
    return roadmap
