"""The pools that a worker takes, and those that it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from celery.bin.base import CLIContext
from celery.bin.worker import worker as command

from worker import app

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def pool_of() -> Callable[[str], type]:
    """What `celery -A worker worker -P …` makes of a pool's name."""

    def asked(name: str) -> type:
        above = click.Context(
            click.Group("celery"),
            obj=CLIContext(app=app, no_color=True, workdir=None, quiet=True),
        )
        chosen: type = command.make_context("worker", ["-P", name], parent=above).params["pool"]
        return chosen

    return asked


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("threads", "worker.pool"),
        ("prefork", "celery.concurrency.prefork"),
        ("processes", "celery.concurrency.prefork"),
        ("solo", "celery.concurrency.solo"),
    ],
)
def test_pools_that_are_taken(pool_of: Callable[[str], type], name: str, place: str) -> None:
    """Those in which workflows run are Celery's, and our threads."""
    assert pool_of(name).__module__ == place


@pytest.mark.parametrize("name", ["gevent", "eventlet", "custom"])
def test_a_pool_in_which_nothing_runs_is_refused(pool_of: Callable[[str], type], name: str) -> None:
    """Installed or not, it is told with those that there are, instead of a worker that hangs."""
    with pytest.raises(click.BadParameter, match=f"do not run in '{name}'.*'threads'"):
        pool_of(name)
