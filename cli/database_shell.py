"""`roadmap db shell`: SQL on the stack's database, by psql or, where there is none, by us."""

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

import typer

from cli.arguments import JsonOption
from cli.console import emit, emit_json, note
from cli.data_dir import DEFAULT
from cli.database import DataDirOption, answering, choose_database
from cli.exits import EPILOG, ExitCode, failed, unreachable
from cli.statements import statements

if TYPE_CHECKING:
    import asyncpg

    from core.addresses.postgres import PostgresAddress

app = typer.Typer()

_TIMEOUT_S: Final = 5.0
_ONLY_TO_READ: Final = "in a read-only transaction"
_NOT_CONNECTED: Final = 2
"""psql's exit code when there is no connection."""
_PSQL_KNOWS: Final = frozenset(
    ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslnegotiation", "sslsni",
     "ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs",
     "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval",
     "keepalives_count", "tcp_user_timeout", "gssencmode", "passfile", "hostaddr")
)  # fmt: skip


@app.command("shell", epilog=EPILOG)
def shell(
    *,
    command: Annotated[
        str | None,
        typer.Option(
            "--command", "-c", metavar="SQL", help="Run this and end.", show_default="ask for more"
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Let statements change data; else they are refused.")
    ] = False,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Open psql on the stack's database; where it is missing, a small shell of our own.

    Sessions only read, unless --write is given: what is committed about a task is changed by
    commands, which keep its events in step. Statements on stdin are run, too. With --json each
    statement's rows are one document.
    """
    choose_database(data_dir)
    from core.addresses.postgres import postgres_address
    from core.settings import get_settings

    settings = get_settings()
    address = postgres_address(settings.database_url.get_secret_value())
    program = None if json else psql_for(address)
    if program is not None:
        _psql(program, address, command, write=write)
        return
    with answering():
        import asyncio  # only our own shell speaks to the server itself

        asyncio.run(_ours(address, command, write=write, json=json))


def psql_for(address: "PostgresAddress") -> str | None:
    """Return psql's path, unless it could be told a secret only where everybody sees it.

    No variable of libpq's holds the password of a certificate's key; without it psql asks for it.
    """
    return None if dict(address.given).get("sslpassword") else find_psql()


def find_psql() -> str | None:
    """Return psql's path: the system's, or the one that comes with the embedded server."""
    found = shutil.which("psql")
    if found is not None:
        return found
    from embedded import EmbeddedServerError
    from embedded.postgres_binaries import find_postgres

    try:
        return str(find_postgres(None, account=None, major=None).psql)
    except EmbeddedServerError:
        return None


def psql_call(address: "PostgresAddress", *, write: bool) -> tuple[list[str], dict[str, str]]:
    """Return psql's arguments and environment; secrets stand in the environment alone.

    Args:
        address: The database.
        write: Whether statements may change anything.
    """
    parameters = {name: value for name, value in address.given if name in _PSQL_KNOWS}
    hosts = ",".join(host for host, _ in address.hosts)
    parameters |= {"host": hosts, "port": ",".join(str(port) for _, port in address.hosts)}
    parameters |= {"user": address.user, "dbname": address.database}
    environment = dict(os.environ)
    if address.password is not None:
        environment["PGPASSWORD"] = address.password
    if not write and not address.pooled:  # a pooler refuses options of a session
        environment["PGOPTIONS"] = "-c default_transaction_read_only=on"
    environment["PGAPPNAME"] = "roadmap-shell"
    return [f"postgresql:///?{urlencode(parameters)}", "--set=ON_ERROR_STOP=1"], environment


def _psql(program: str, address: "PostgresAddress", command: str | None, *, write: bool) -> None:
    arguments, environment = psql_call(address, write=write)
    call = [program, "--no-password", "--no-psqlrc", *arguments]
    if command is None and sys.stdin.isatty():
        only = "" if write else ", only to read unless --write is given"
        note(f"SQL on {_place(address)}{only}; \\q ends it")
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is psql's
        try:
            code = subprocess.run(call, env=environment, check=False).returncode
        finally:
            signal.signal(signal.SIGINT, before)
    else:
        call += ["--command", command] if command is not None else []
        done = subprocess.run(call, env=environment, check=False, capture_output=True)
        if said := done.stdout.decode(errors="replace").rstrip("\n"):
            emit(said)
        if complaint := done.stderr.decode(errors="replace").strip():
            note(_with_way_out(complaint))
        code = done.returncode
    if code == _NOT_CONNECTED:
        raise unreachable(
            f"PostgreSQL at {_place(address)} cannot be reached; `roadmap doctor` tells more."
        )
    if code:
        raise typer.Exit(ExitCode.FAILED)


async def _ours(
    address: "PostgresAddress", command: str | None, *, write: bool, json: bool
) -> None:
    from db.connecting import open_connection

    connection, _ = await open_connection(
        address,
        session={"application_name": "roadmap-shell", **address.server_settings},
        pooler=None,
        connect_timeout_s=_TIMEOUT_S,
        command_timeout_s=None,
    )
    try:
        if command is not None:
            await _run(connection, command, write=write, json=json)
            return
        await _ask(connection, address, write=write, json=json)
    finally:
        await connection.close(timeout=_TIMEOUT_S)


async def _ask(
    connection: "asyncpg.Connection[Any]", address: "PostgresAddress", *, write: bool, json: bool
) -> None:
    """Read statements, each up to a semicolon at the end of a line, and run them."""
    from asyncio import to_thread

    people = sys.stdin.isatty()
    if people:
        note(f"SQL on {_place(address)}; end a statement with `;`, the shell with Ctrl-D.")
    statement = ""
    while line := await to_thread(_line, "... " if statement else "sql> ", ask=people):
        statement += line
        if not statement.rstrip().endswith(";") and statement.strip():
            continue
        if statement.strip():
            await _answer(connection, statement, write=write, json=json, going_on=people)
        statement = ""
    if statement.strip():
        await _answer(connection, statement, write=write, json=json, going_on=people)


async def _answer(
    connection: "asyncpg.Connection[Any]",
    statement: str,
    *,
    write: bool,
    json: bool,
    going_on: bool,
) -> None:
    try:
        await _run(connection, statement, write=write, json=json)
    except typer.Exit:
        if not going_on:
            raise


async def _run(
    connection: "asyncpg.Connection[Any]", text: str, *, write: bool, json: bool
) -> None:
    """Run statements in one transaction, as psql does, and show what each of them gave."""
    import asyncpg

    answers: list[tuple[list[str], list[list[Any]], str | None]] = []
    try:
        async with connection.transaction(readonly=not write):
            for statement in statements(text):
                prepared = await connection.prepare(statement)
                rows = [list(row.values()) for row in await prepared.fetch()]
                names = [column.name for column in prepared.get_attributes()]
                answers.append((names, rows, prepared.get_statusmsg()))
    except asyncpg.PostgresError as error:
        note(_with_way_out(f"Error: {error}"))
        raise typer.Exit(ExitCode.FAILED) from None
    except asyncpg.InterfaceError as error:
        raise failed(f"That cannot be run here: {error}.") from None
    for names, found, status in answers:
        _show(names, found, status, json=json)


def _show(names: list[str], rows: list[list[Any]], status: str | None, *, json: bool) -> None:
    if json:
        cells = [[None if cell is None else _plain(cell) for cell in row] for row in rows]
        emit_json({"rows": [dict(zip(names, row, strict=True)) for row in cells], "did": status})
        return
    if names:
        from cli.outline_view import tree_console
        from cli.tables import Column, print_table

        columns = [Column(name=name) for name in names]
        texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
        print_table(tree_console(), columns, texts)
        emit("(1 row)" if len(rows) == 1 else f"({len(rows)} rows)")
    else:
        emit(status or "Done.")


def _plain(cell: Any) -> Any:
    return cell if isinstance(cell, bool | int | float) else str(cell)


def _line(prompt: str, *, ask: bool) -> str:
    """Return the next line of stdin, or nothing at its end."""
    if not ask:
        return sys.stdin.readline()
    try:
        return input(prompt) + "\n"
    except EOFError:
        return ""


def _with_way_out(complaint: str) -> str:
    """Add to PostgreSQL's words about a statement that may not write how it may."""
    if _ONLY_TO_READ not in complaint:
        return complaint
    return (
        f"{complaint}\nThis shell only reads. Tasks are changed by commands (cancel, retry, "
        "`roadmap db check --repair`); where you know better, give --write."
    )


def _place(address: "PostgresAddress") -> str:
    hosts = ", ".join(f"{host}:{port}" for host, port in address.hosts)
    return f"{hosts}, database {address.database}"
