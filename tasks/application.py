"""The Celery application of this process, for those who send messages or look into queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery import Celery


def celery() -> Celery:
    """Return the Celery application, imported when it is first needed.

    That takes a good part of a second of CPU. It is the bell's thread that waits for it, so an API
    that has nothing to ring for never pays it, and no request waits.
    """
    from worker.app import app

    return app
