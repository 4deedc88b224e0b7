"""Looks, before `celery -A worker …` finds its application, whether `worker` is ours.

Celery loads the commands that distributions add to it before it reads its own options: the only
place where something of ours runs when another `worker` lies in the working folder.
"""

from __future__ import annotations

import os
import sys

import click

from roadmap_start.own import check, intruder_at, stop

_OURS = "worker"


def guard(arguments: list[str]) -> None:
    """Stop when the arguments name our application and something else would be taken for it."""
    application = asked(arguments) or os.environ.get("APP", "")
    if application.replace(":", ".").partition(".")[0] != _OURS:
        return
    before = sys.path.copy()
    here = _folder(arguments)
    if here not in sys.path:
        sys.path.insert(0, here)  # as Celery is about to do
    intruder = intruder_at(_OURS)
    if intruder is not None:
        stop(intruder)
    check()
    sys.path[:] = before


def asked(arguments: list[str]) -> str | None:
    """Return the application that Celery is asked for: `-A worker`, `-Aworker`, `--app=worker`."""
    return _value(arguments, "-A", "--app")


def _folder(arguments: list[str]) -> str:
    given = _value(arguments, None, "--workdir")
    return os.path.abspath(given or ".")


def _value(arguments: list[str], short: str | None, long: str) -> str | None:
    for number, argument in enumerate(arguments):
        if argument in {short, long}:
            return arguments[number + 1] if number + 1 < len(arguments) else None
        if argument.startswith(long + "="):
            return argument.removeprefix(long + "=")
        if short is not None and argument.startswith(short):
            return argument.removeprefix(short)
    return None


@click.command("whose-packages", hidden=True)
def command() -> None:
    """Check that every package of roadmap-worker is its own."""
    check()


guard(sys.argv[1:])
