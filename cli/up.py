"""`roadmap up`: the whole stack on this machine, in the foreground."""

import sys
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import emit_json, note
from cli.data_dir import DEFAULT, DataDir
from cli.exits import EPILOG, usage
from cli.hints import command
from cli.options import DEFAULT_CONCURRENCY, FLOWER_HOST, Pool, StackOptions
from cli.ports import choose_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.settings import Settings
    from workflow.definition import Definition

API_PORT = 8000
FLOWER_PORT = 5555
HIGHEST_PORT = 65535
"""Of the connection budget; db.engine reserves the rest."""

app = typer.Typer()


@app.command(epilog=EPILOG)
def up(  # noqa: PLR0913 - each is an option of the command
    *,
    data_dir: Annotated[Path, typer.Option(help="Where data, logs and secrets live.")] = DEFAULT,
    host: Annotated[
        str | None,
        typer.Option(
            help="Address the API listens on.", show_default="ROADMAP_API_HOST, else 127.0.0.1"
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=HIGHEST_PORT,
            help="Its port; 0 is any free one.",
            show_default=f"ROADMAP_API_PORT, else {API_PORT} or, when that is taken, a free one",
        ),
    ] = None,
    root_path: Annotated[
        str | None,
        typer.Option(
            help="Sub-path at which a proxy shows the API and its pages: /roadmaps.",
            show_default="ROADMAP_API_ROOT_PATH, else none",
        ),
    ] = None,
    flower_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=HIGHEST_PORT,
            help="Flower's port, on this machine only; 0 is any free one.",
            show_default=f"{FLOWER_PORT} or, when that is taken, a free one",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="Workflows at a time per worker process.",
            show_default=", ".join(
                f"{number} with {name}" for name, number in DEFAULT_CONCURRENCY.items()
            ),
        ),
    ] = None,
    pool: Annotated[Pool, typer.Option(help="Celery's worker pool.")] = Pool.THREADS,
    no_flower: Annotated[bool, typer.Option("--no-flower", help="Without Flower.")] = False,
    no_beat: Annotated[bool, typer.Option("--no-beat", help="Without the scheduler.")] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65000,
            help="/metrics of beat here, of the workers on the ports after it.",
            show_default="ROADMAP_METRICS_PORT, else no metrics",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the processes' whole output.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Say `ready` as a JSON document.")] = False,
) -> None:
    """Run the stack until Ctrl-C: PostgreSQL, Redis, workers, beat, API, Flower.

    PostgreSQL and Redis are embedded ones unless ROADMAP_DATABASE_URL or ROADMAP_REDIS_URL name
    yours. Once everything answers, `ready <api_url>` is printed and DATA_DIR/stack.json written.
    A process that dies is started again. A second Ctrl-C hurries.
    """
    from cli.provider_checks import what_is_missing
    from cli.stack import Stack
    from cli.stop_signals import StopRequestedError, StopSignals
    from cli.workflow_checks import require_workflows
    from core.hosts import without_brackets
    from core.settings import load_settings

    settings = load_settings(**({} if root_path is None else {"api_root_path": root_path}))
    own = require_workflows(settings)
    folder = DataDir(data_dir)
    chosen_host = without_brackets(host or settings.api_host)
    _check_host(chosen_host, settings)
    folder.check_free()
    options = StackOptions(
        host=chosen_host,
        port=_api_port(chosen_host, port, settings),
        flower_port=None if no_flower else _flower_port(flower_port, taken=port),
        workers=workers,
        concurrency=concurrency or DEFAULT_CONCURRENCY[pool],
        pool=pool,
        beat=not no_beat,
        metrics_port=metrics_port or settings.metrics_port,
        movable=_movable(port, flower_port, settings),
    )
    _check_budget(options, settings)
    folder.create()  # after everything that may be refused: nothing is left behind then
    folder.lock()
    folder.remove_stack()
    with StopSignals() as stop:
        stack = Stack(
            options, settings=settings, data_dir=folder, stop=stop, say=note, verbose=verbose
        )
        try:
            stack.start()
            _announce(
                stack.options,
                folder,
                signin_url=stack.signin_url(),
                own=own,
                missing=what_is_missing(settings),
                json=json,
            )
            stack.run()
            note("Stopping; press Ctrl-C again to hurry")
        except StopRequestedError:
            note("Stopping before everything was up")
        finally:
            stack.shutdown()
            folder.unlock()
    note("Stopped")


def _announce(
    options: StackOptions,
    folder: DataDir,
    *,
    signin_url: str | None,
    own: "Sequence[Definition]",
    missing: str,
    json: bool,
) -> None:
    if signin_url is None:
        note(f"Open              {options.api_url}/")
    else:
        note(f"Open              {signin_url}")
        note(f"                  signs you in, once, within 10 minutes; then: {command('open')}")
    note(f"API and its docs  {options.api_url}/api/docs")
    if options.flower_url:
        note(f"Flower            {options.flower_url}  (user:password in {folder.flower_file})")
    note(f"Logs              {folder.logs}")
    if missing:
        note(f"Language model    {missing}: tasks will fail. Set it and start anew")
    note(f"Next              {_next(own)}    (Ctrl-C here stops everything)")
    try:
        if json:
            emit_json(
                {
                    "event": "ready",
                    "api_url": options.api_url,
                    "flower_url": options.flower_url,
                    "signin_url": signin_url,
                    "stack_file": str(folder.stack_file),
                }
            )
        else:
            sys.stdout.write(f"ready {options.api_url}\n")
            sys.stdout.flush()
    except OSError:
        note("Nobody reads our output; going on")


def _next(own: "Sequence[Definition]") -> str:
    """Return a first command: a request of the first own workflow, else for a roadmap."""
    if not own:
        return command("generate", "Learn Rust")
    from cli.first_request import first_request  # as own workflows, not loaded without any

    request = first_request(own[0])
    given = "@request.json" if request is None else dumps(request)
    return command("run", own[0].name, "--input", given)


def _api_port(host: str, asked: int | None, settings: "Settings") -> int:
    if asked is None and "api_port" in settings.model_fields_set:
        return choose_port(host, settings.api_port, API_PORT, option="ROADMAP_API_PORT or --port")
    port = choose_port(host, asked, API_PORT, option="--port")
    if asked is None and port != API_PORT:
        note(f"Port {API_PORT} is taken; the API listens on {port}")
    return port


def _flower_port(asked: int | None, *, taken: int | None) -> int:
    if asked and asked == taken:
        raise usage(f"--port and --flower-port are both {asked}; they must differ.")
    port = choose_port(FLOWER_HOST, asked, FLOWER_PORT, option="--flower-port")
    if asked is None and port != FLOWER_PORT:
        note(f"Port {FLOWER_PORT} is taken; Flower listens on {port}")
    return port


def _movable(port: int | None, flower_port: int | None, settings: "Settings") -> frozenset[str]:
    """Return the processes of which nobody asked that they listen on a certain port."""
    asked = settings.api_port if "api_port" in settings.model_fields_set else 0
    free = {"api": not (port or (port is None and asked)), "flower": not flower_port}
    return frozenset(name for name, ours in free.items() if ours)


def _check_budget(options: StackOptions, settings: "Settings") -> None:
    """Refuse more processes than can share the connections."""
    from core.connection_budget import fits

    budget = settings.database_max_connections
    if not fits(budget, options.processes):
        raise usage(
            f"{options.processes} processes cannot share {budget} database connections. Lower "
            "--workers or --concurrency, or raise ROADMAP_DATABASE_MAX_CONNECTIONS."
        )


def _check_host(host: str, settings: "Settings") -> None:
    """Refuse to serve other machines what is for this one."""
    from core.hosts import is_loopback, too_trusting

    if (wrong := too_trusting(settings)) is not None:
        raise usage(wrong)
    if settings.auth != "jwt" and not is_loopback(host):
        why = (
            "is for this machine only"
            if settings.auth == "local"
            else "takes everybody for the admin"
        )
        raise usage(
            f"{host} can be reached from other machines, and ROADMAP_AUTH={settings.auth} {why}. "
            "Set ROADMAP_AUTH=jwt, or listen on 127.0.0.1."
        )
