"""Puts Flower's `/metrics` behind Flower's login, since they name tasks and workers."""

from __future__ import annotations

import sys


def close_metrics() -> None:
    """Ask for Flower's login where it has one; other commands do not load Flower at all."""
    if "flower" not in sys.argv[1:]:
        return
    try:
        from flower.views import monitor
        from tornado.web import authenticated
    except ImportError:  # celery itself says that Flower is missing
        return
    monitor.Metrics.get = authenticated(monitor.Metrics.get)


close_metrics()
