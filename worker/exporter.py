"""`/metrics` of workers and beat, on METRICS_PORT: they have no HTTP server of their own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import click
from celery import signals

from core.logging import get_logger
from core.settings import get_settings
from worker.prefork import is_prefork

log = get_logger(__name__)

_folders: list[Path] = []


def _share_with_children(**_: Any) -> None:
    """(prefork) Before any metric is defined: count in files that the main process adds up."""
    command = click.get_current_context(silent=True)
    if get_settings().metrics_port is None or command is None or command.info_name != "worker":
        return
    if is_prefork(command.params.get("pool")):
        from core.exposition import share

        _folders.append(Path(tempfile.mkdtemp(prefix="roadmap-metrics-")))
        share(_folders[0])


def _serve(**_: Any) -> None:
    """Answer scrapes from a daemon thread; the work does not depend on it."""
    settings = get_settings()
    if settings.metrics_port is None:
        return
    from prometheus_client import start_http_server

    from core.exposition import registry

    address = {"host": settings.metrics_host, "port": settings.metrics_port}
    try:
        start_http_server(settings.metrics_port, settings.metrics_host, registry=registry())
    except OSError as error:
        log.error("metrics_server_failed", **address, error=str(error))  # noqa: TRY400 - no news there
        return
    log.info("metrics_served", **address)


def _serve_beat(**_: Any) -> None:
    """Serve beat's metrics, with what it sends."""
    from prometheus_client import Counter

    sent = Counter("roadmap_beat_sent_total", "Jobs that beat asked for.", ["job"])

    def count(sender: Any = None, **_: Any) -> None:
        sent.labels(str(sender)).inc()

    signals.after_task_publish.connect(count, weak=False)
    _serve()


def _tidy_up(**_: Any) -> None:
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)


signals.import_modules.connect(_share_with_children)
signals.worker_ready.connect(_serve)
signals.beat_init.connect(_serve_beat)
signals.worker_shutdown.connect(_tidy_up)
