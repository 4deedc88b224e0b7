"""Runs one command of Celery, and imports no other.

Celery's own door brings all of its commands along, and those of every distribution that adds some:
Flower with its web server, a prompt with its colours. That is half a second of each start.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

_ADDED: Final = {"flower": "flower.command"}
"""Commands that other distributions add to Celery, and their modules."""
PREFIX: Final = "CELERY"
"""Of environment variables that stand for options: `CELERY_WORKER_CONCURRENCY`."""


def run(name: str, arguments: list[str]) -> None:
    """Become `celery -A worker <name>`, without a banner: logs are lines of one form."""
    app = import_module("worker").app
    context = import_module("celery.bin.base").CLIContext
    above = click.Context(
        click.Group("roadmap"),
        info_name="roadmap",
        obj=context(app=app, no_color=False, workdir=None, quiet=True),
        auto_envvar_prefix=PREFIX,
    )
    command = getattr(import_module(_ADDED.get(name, f"celery.bin.{name}")), name)
    command.main(arguments, prog_name=name, parent=above)
