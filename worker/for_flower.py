"""Flower's own process: it knows tasks by name and keeps no connections."""

from __future__ import annotations

from typing import Any, Final

from core.jobs import JOBS
from db.facts import Reason
from worker.app import app
from worker.commands import COMMAND, FLOWER

NAMES: Final = (*map(str, Reason), *(job.name.celery_name for job in JOBS.values()))
"""The tasks that workers run."""


def prepare() -> None:
    """Do it where this process is Flower; other commands do not load Flower at all."""
    if COMMAND != FLOWER:
        return
    know_tasks()
    _keep_no_connections()
    _close_metrics()


def know_tasks() -> None:
    """Register the tasks that may be asked for: Flower sends none, and limits none, it has not."""
    for name in NAMES:
        app.task(_elsewhere, name=name)


def _elsewhere(*_: Any, **__: Any) -> None:
    """Stand for a task that workers run.

    Raises:
        RuntimeError: Always; its name is all that Flower needs.
    """
    raise RuntimeError("Workers run tasks; Flower only knows their names.")


def _keep_no_connections() -> None:
    """Close what a question to the workers opened as soon as it is answered.

    Flower asks them seven questions at once when it starts, and seldom anything later: each one's
    two or three connections to Redis would stay for good.
    """
    app.conf.broker_pool_limit = 0


def _close_metrics() -> None:
    """Put `/metrics` behind Flower's login, where it has one: they name tasks and workers."""
    try:
        from flower.views import monitor
        from tornado.web import authenticated
    except ImportError:  # celery itself says that Flower is missing
        return
    monitor.Metrics.get = authenticated(monitor.Metrics.get)


prepare()
