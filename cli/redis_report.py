"""`roadmap redis`: shows which connections to Redis there are, and who uses them."""

from typing import Any

import typer

from cli.arguments import DataDirOption, JsonOption
from cli.console import emit, emit_json
from cli.data_dir import DEFAULT
from cli.exits import EPILOG
from core.visible import one_line

app = typer.Typer()


@app.command(epilog=EPILOG)
def redis(
    *,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Report the API's Redis pools, the server's clients, and Pub/Sub channels. Admins only."""
    from cli.client import Client

    with Client(data_dir) as client:
        report = client.redis_report()
    if json:
        emit_json(report)
        return
    for line in as_lines(report):
        emit(one_line(line))


def as_lines(value: Any, *, indent: int = 0) -> list[str]:
    """Return a document as indented lines, `name: value` each."""
    pad = "  " * indent
    if isinstance(value, dict):
        lines = []
        for name, inner in value.items():
            if isinstance(inner, dict | list) and inner:
                lines += [f"{pad}{name}:", *as_lines(inner, indent=indent + 1)]
            else:
                lines.append(f"{pad}{name}: {_scalar(inner)}")
        return lines
    if isinstance(value, list):
        lines = []
        for inner in value:
            if isinstance(inner, dict):
                facts = "  ".join(f"{name}={_scalar(fact)}" for name, fact in inner.items())
                lines.append(f"{pad}- {facts}")
            else:
                lines.append(f"{pad}- {_scalar(inner)}")
        return lines
    return [f"{pad}{_scalar(value)}"]


def _scalar(value: Any) -> str:
    if value is None or value in ([], {}):
        return "-"
    return str(value)
