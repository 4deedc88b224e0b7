"""`roadmap db`: migrations of the stack's database, or of ROADMAP_DATABASE_URL."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.console import emit, emit_json
from cli.data_dir import DEFAULT, DataDir
from cli.exits import EPILOG, ExitCode, unreachable

app = typer.Typer(help="Migrations.", no_args_is_help=True, epilog=EPILOG)

DataDirOption = Annotated[
    Path, typer.Option(help="The stack whose database it is, unless DATABASE_URL is set.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of text.")]


@app.command(epilog=EPILOG)
def upgrade(*, data_dir: DataDirOption = DEFAULT, json: JsonOption = False) -> None:
    """Bring the database to the newest revision."""
    _choose_database(data_dir)
    from db import migrate

    try:
        migrate.upgrade()
    except OSError as error:
        raise _away(error) from None
    if json:
        emit_json({"revision": migrate.head(), "upgraded": True})
    else:
        emit(f"The database is at {migrate.head()}.")


@app.command(epilog=EPILOG)
def check(*, data_dir: DataDirOption = DEFAULT, json: JsonOption = False) -> None:
    """Tell whether the database is at the newest revision and fits the models."""
    _choose_database(data_dir)
    from alembic.util.exc import CommandError as AlembicError

    from db import migrate

    try:
        problem = migrate.differences()
    except AlembicError as error:
        problem = str(error)
    except OSError as error:
        raise _away(error) from None
    if json:
        emit_json({"revision": migrate.head(), "ok": problem is None, "problem": problem})
    else:
        emit(problem or f"The database is at {migrate.head()} and fits the models.")
    if problem is not None:
        raise typer.Exit(ExitCode.FAILED)


def _choose_database(data_dir: Path) -> None:
    """Let the settings name the database: as given, else the data-dir's."""
    from core.settings import PREFIX, get_settings, load_settings

    if "database_url" in load_settings().model_fields_set:
        return
    folder = DataDir(data_dir)
    stack = folder.read_stack()
    if stack is None:
        raise unreachable(
            f"No stack is running on {folder.path} and ROADMAP_DATABASE_URL is not set. "
            "Start one with `roadmap up`, or set the address."
        )
    os.environ[f"{PREFIX}DATABASE_URL"] = stack["database_url"]
    get_settings.cache_clear()


def _away(error: OSError) -> Exception:
    return unreachable(f"PostgreSQL does not answer: {error}. `roadmap doctor` tells more.")
