"""`roadmap worker`, `beat`, `flower` and `api`: one process of a stack each, for supervisors."""

import os
import sys
from typing import NoReturn

import typer

app = typer.Typer()

_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def process_command(name: str) -> tuple[str, ...]:
    """Return the command that starts a process; its own arguments follow.

    Neither the working folder (`-P`) nor what Celery adds to the path comes before our packages.
    """
    return (sys.executable, "-P", "-m", "roadmap_start", name)


@app.command(context_settings=_PASSED_ON)
def worker(context: typer.Context) -> None:
    """Run one Celery worker; takes the options of `celery worker`, as in `--concurrency 16`.

    Like `celery -A worker worker`, but no package in the working folder is taken for ours.
    """
    _become("worker", context)


@app.command(context_settings=_PASSED_ON)
def beat(context: typer.Context) -> None:
    """Run the scheduler; takes the options of `celery beat`, as in `--pidfile=`."""
    _become("beat", context)


@app.command(context_settings=_PASSED_ON)
def flower(context: typer.Context) -> None:
    """Run Flower, the window on deliveries; takes its options, as in `--port=5555`."""
    _become("flower", context)


@app.command(context_settings=_PASSED_ON)
def api(context: typer.Context) -> None:
    """Run one API process; takes `--host` and `--port`."""
    _become("api", context)


def _become(name: str, context: typer.Context) -> NoReturn:
    """Replace this process, so that signals and the process id are the new one's."""
    command = (*process_command(name), *context.args)
    os.execv(command[0], command)  # noqa: S606 - nothing between us and the process
