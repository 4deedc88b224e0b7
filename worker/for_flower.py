"""Flower's own process: it keeps no connections, and its metrics want its login."""

from __future__ import annotations

import sys

from worker.app import app


def prepare() -> None:
    """Do it where this process is Flower; other commands do not load Flower at all."""
    if "flower" not in sys.argv[1:]:
        return
    _keep_no_connections()
    _close_metrics()


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
