"""`roadmap db`: migrations of the stack's database, or of ROADMAP_DATABASE_URL, and its audit."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.arguments import JsonOption
from cli.console import emit, emit_json
from cli.data_dir import DEFAULT, DataDir
from cli.exits import EPILOG, ExitCode, unreachable
from core.visible import one_line

if TYPE_CHECKING:
    from db.migration_names import Schema

app = typer.Typer(
    help="Migrations, audit, repair, and a shell for SQL.", no_args_is_help=True, epilog=EPILOG
)

DataDirOption = Annotated[
    Path, typer.Option(help="The stack whose database it is, unless DATABASE_URL is set.")
]

_IN_USE = "55P03"  # PostgreSQL's code for a lock that was waited for in vain
_NOT_ALLOWED = "42501"  # and for what a role may not do
_OF_LATER_RELEASE = ", which a later release has made; this one works with it"


@app.command(epilog=EPILOG)
def upgrade(*, data_dir: DataDirOption = DEFAULT, json: JsonOption = False) -> None:
    """Bring the database to the newest revision; one of a later release is left as it is."""
    choose_database(data_dir, owned=True)
    from db import migrate, migration_names, revisions

    with answering():
        migrate.upgrade()
        revision = revisions.current_now()
    newer = migration_names.schema_of(revision) is migration_names.Schema.NEWER
    if json:
        emit_json({"revision": revision, "upgraded": not newer})
    else:
        emit(f"The database is at {revision}{_OF_LATER_RELEASE if newer else ''}.")


@app.command(epilog=EPILOG)
def check(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what is safe to mend, and say what was done.")
    ] = False,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Tell whether the database is at the newest revision, and whether its data contradicts itself.

    Ends with 0 when nothing is wrong (any more), with 1 when something is left to do. Looks at a
    few tasks at a time and holds nobody up; safe while workers run, and so is --repair, which
    changes each task under its own lock.
    """
    choose_database(data_dir)
    from db import migration_names, revisions

    with answering():
        revision = revisions.current_now()
        schema = migration_names.schema_of(revision)
        newer = schema is migration_names.Schema.NEWER
        problem = None if newer else _schema_problem(revision, schema)
        audited = None if problem is not None else _audit(mend=repair)
    ok = audited is not None and not audited["left"] and not audited["not_named"]
    if json:
        emit_json({"revision": revision, "ok": ok, "problem": problem, "audit": audited})
    else:
        fits = _OF_LATER_RELEASE if newer else " and fits the models"
        emit(problem or f"The database is at {revision}{fits}.")
        if audited is not None:
            from cli.audit_report import lines

            for line in lines(audited, mend=repair):
                emit(one_line(line))
    if not ok:
        raise typer.Exit(ExitCode.FAILED)


def _schema_problem(revision: str | None, schema: "Schema") -> str | None:
    from db import migrate, migration_names

    if schema is not migration_names.Schema.OLDER:
        return migrate.differences()
    # Alembic would say the same, and wants to make its table first, which not every role may
    found = f"is at {revision}, not at {migration_names.head()}" if revision else "is not migrated"
    return f"The database {found}. Bring it there with `roadmap db upgrade`."


def _audit(*, mend: bool) -> dict[str, Any]:
    """Look at everything, mend it if asked for; return the report."""
    import asyncio

    from core.logging import configure_logging
    from core.settings import get_settings

    settings = get_settings()
    if "log_level" not in settings.model_fields_set:  # the report tells it
        settings = settings.model_copy(update={"log_level": "ERROR"})
    configure_logging(settings)
    return asyncio.run(_look_and_mend(mend=mend))


async def _look_and_mend(*, mend: bool) -> dict[str, Any]:
    from cli.audit_report import report
    from db.engine import dispose_engine
    from wiring.common import bring_workflows
    from workflow.audit import examine_all, repair

    bring_workflows()

    try:
        found = await examine_all()
        if not mend:
            return report(found, mended=[], left=found.kept)
        from tasks.dispatch import close_bell, install_bell  # Celery: only to ask for workers

        install_bell()
        try:
            mended, left = await repair(found.kept)
        finally:
            close_bell()
        return report(found, mended=mended, left=left)
    finally:
        await dispose_engine()


def choose_database(data_dir: Path, *, owned: bool = False) -> None:
    """Let the settings name database and Redis: as given, else the data-dir's.

    Args:
        data_dir: The stack's.
        owned: Also the role that owns the tables, where the database is the stack's own.
    """
    from core.given import PREFIX
    from core.settings import get_settings, load_settings

    given = load_settings().model_fields_set
    stack = DataDir(data_dir).read_stack()
    if "database_url" not in given and stack is None:
        DataDir(data_dir).check_ours()
        raise unreachable(
            f"No stack is running on {DataDir(data_dir).path} and ROADMAP_DATABASE_URL is not set. "
            "Start one with `roadmap up`, or set the address."
        )
    if "database_url" in given or stack is None:
        return
    addresses = {name: stack.get(name) for name in ("database_url", "redis_url", "broker_url")}
    if owned and addresses["database_url"]:
        from embedded.postgres_roles import as_owner

        owner_url = as_owner(addresses["database_url"], DataDir(data_dir).path)
        addresses["migration_database_url"] = owner_url
    for name, address in addresses.items():
        if name not in given and address:
            os.environ[f"{PREFIX}{name.upper()}"] = address
    get_settings.cache_clear()


@contextmanager
def answering() -> Iterator[None]:
    """Say in one sentence that the database cannot be used, whatever says so."""
    import asyncpg
    from sqlalchemy.exc import SQLAlchemyError

    from cli.findings import clean
    from core.errors import ServiceUnavailableError
    from core.refusals import refusal

    try:
        yield
    except (
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        SQLAlchemyError,
        ServiceUnavailableError,
    ) as error:
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlstate", None)
        if code == _IN_USE:
            raise unreachable(
                "Others have been using the tables for too long, as a backup does. Nothing was"
                " changed; try again when they have ended (`pg_stat_activity` shows them)."
            ) from None
        reason = clean(str(cause) or type(error).__name__)
        if code == _NOT_ALLOWED:
            raise unreachable(
                f"PostgreSQL refuses: {reason}. Migrations are for the role that owns the tables:"
                f" {_way_to_owner()}."
            ) from None
        if why := refusal(error):
            raise unreachable(
                f"PostgreSQL {why}: {reason}. Check ROADMAP_DATABASE_URL; `roadmap doctor` tells"
                " more."
            ) from None
        raise unreachable(
            f"PostgreSQL does not answer as it should: {reason}. Is it running? Start the stack"
            " with `roadmap up`, or check ROADMAP_DATABASE_URL; `roadmap doctor` tells more."
        ) from None


def _way_to_owner() -> str:
    from core.settings import get_settings

    if get_settings().migration_database_url is None:
        return "set ROADMAP_MIGRATION_DATABASE_URL to the database's address as that role"
    return (
        "ROADMAP_MIGRATION_DATABASE_URL names another one. What was restored belongs to whoever"
        " restored it, and deploy/roles.sql, run as that role, hands it over"
    )
