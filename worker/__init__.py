"""How a coroutine runs inside Celery: the app, the process's loop, drain on shutdown."""

import roadmap_start.checked  # noqa: F401 - first: what follows might be another project's
from worker import exporter, lifecycle, prefork, pulse, slots
from worker.app import app
from worker.loop import hooks, run_async
from worker.runtime import REQUEST_ID, Delivery, async_task

__all__ = [
    "REQUEST_ID",
    "Delivery",
    "app",
    "async_task",
    "exporter",
    "hooks",
    "lifecycle",
    "prefork",
    "pulse",
    "run_async",
    "slots",
]
