"""`roadmap queue`: what no worker could take. Admins only."""

from typing import Annotated, Any

import typer

from cli.arguments import DataDirOption, JsonOption
from cli.console import emit, emit_json
from cli.data_dir import DEFAULT
from cli.exits import EPILOG
from cli.moments import moment
from core.visible import one_line

app = typer.Typer(help="The broker's queues.", no_args_is_help=True, epilog=EPILOG)

MOST = 1000


@app.callback()
def _group() -> None:
    """Keep `rejected` a word of its own while it is the only one."""


@app.command(epilog=EPILOG)
def rejected(
    *,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many at most.")] = 20,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """List messages that were set aside because no worker can take them, the newest first."""
    from cli.client import Client

    with Client(data_dir) as client:
        document = client.rejected(limit=limit)
    if json:
        emit_json(document)
        return
    for line in _lines(document):
        emit(one_line(line))


def _lines(document: dict[str, Any]) -> list[str]:
    if not document["total"]:
        return ["No message was ever set aside."]
    total = document["total"]
    said = "1 message was" if total == 1 else f"{total:,} messages were"
    lines = [f"{said} set aside; kept: {document['kept']:,}."]
    lines += [
        f"  {count['reason']}: {count['messages']}, the last one {moment(count['last_at'])}"
        for count in document["counts"]
    ]
    for message in document["rejected"]:
        lines += [
            "",
            f"{moment(message['at'])}  {message['reason']}: {message['detail']}",
            f"  {message['size']:,} bytes from queue {message['queue']}, by {message['worker']}",
            f"  {message['excerpt']}",
        ]
    return lines
