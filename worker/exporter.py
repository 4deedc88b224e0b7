"""`/metrics` of workers and beat, on METRICS_PORT: they have no HTTP server of their own."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
from celery import signals

from core.logging import get_logger
from core.settings import get_settings
from worker.prefork import is_prefork

log = get_logger(__name__)

_PREFIX: Final = "roadmap-counters-"
_FRESH_S: Final = 60.0
"""A folder is made before it is locked; one that is younger is nobody's to remove."""

_folders: list[Path] = []


def _share_with_children(**_: Any) -> None:
    """(prefork) Before any metric is defined: count in files that the main process adds up."""
    command = click.get_current_context(silent=True)
    if get_settings().metrics_port is None or command is None or command.info_name != "worker":
        return
    if is_prefork(command.params.get("pool")):
        from core.exposition import share

        _folders.append(new_folder())
        share(_folders[0])


def new_folder() -> Path:
    """Return a folder that is locked while this process lives, and remove those of killed ones."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _remove_if_left(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    _lock(folder)
    return folder


def _remove_if_left(folder: Path) -> None:
    if time.time() - folder.stat().st_mtime < _FRESH_S:
        return
    lock = _lock(folder)
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _lock(folder: Path) -> int:
    """Lock a folder for as long as the descriptor is open; fails where another process has it."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


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
