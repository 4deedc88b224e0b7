"""SIGHUP: the worker drains as for SIGTERM, and begins anew under the same process id.

Celery's own way waits without end for what runs, since nothing tells our workflows to stop, and
then starts the program by a name that is no file. A supervisor's "reload" killed the worker so.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

from celery import signals

from core.logging import get_logger

if TYPE_CHECKING:
    from types import FrameType

log = get_logger(__name__)

_hung_up: Final[list[int]] = []
"""The signals that came; the first one registers what follows."""


def _replace(**_: Any) -> None:
    from celery.apps import worker  # there already: this is a worker

    worker.install_worker_restart_handler = _install


def _install(_worker: Any) -> None:
    """Take SIGHUP, unless whoever started us wants it ignored, as `nohup` does."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _hang_up)


def _hang_up(number: int, _frame: FrameType | None) -> None:
    if not _hung_up:
        atexit.register(_begin_anew)
    _hung_up.append(number)
    os.kill(os.getpid(), signal.SIGTERM)  # a second one hurries, as of SIGTERM


def _begin_anew() -> None:
    log.info("worker_begins_anew")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves again


signals.celeryd_init.connect(_replace)
