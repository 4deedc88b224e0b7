"""`roadmap new`: a package with a workflow of one's own, to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from cli.arguments import JsonOption
from cli.console import emit, emit_json
from cli.exits import EPILOG, CommandError, ExitCode

app = typer.Typer()


@app.command(epilog=EPILOG)
def new(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits, hyphens.")],
    *,
    json: JsonOption = False,
) -> None:
    """Make a package with a workflow of your own: prompts, tests, README, `make test`.

    It is written into a folder of that name, here. Its tests run without a key and kill a worker at
    every place where one can die.
    """
    from cli.scaffold.names import checked
    from cli.scaffold.writing import write

    names = checked(name, folder=Path.cwd())
    try:
        files = write(names, folder=Path.cwd())
    except OSError as error:
        raise CommandError(
            f"{name} cannot be written: {error.strerror or error}.", ExitCode.FAILED
        ) from None
    if json:
        emit_json(
            {
                "name": names.name,
                "folder": str(Path.cwd() / names.name),
                "package": names.package,
                "workflow": names.workflow,
                "files": files,
            }
        )
        return
    emit(f"{names.name}/ is there, with the workflow `{names.workflow}`. What next:")
    emit(f"  cd {names.name}")
    emit("  make test   # its tests")
    emit("  make up     # the stack, with this workflow")
