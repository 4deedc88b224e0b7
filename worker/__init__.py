"""How a coroutine runs inside Celery: the app, the process's loop, drain on shutdown."""

import roadmap_start.checked  # noqa: F401 - first: what follows might be another project's
from worker import (
    commands,
    exporter,
    for_flower,
    hangup,
    lifecycle,
    migrated,
    prefork,
    pulse,
    slots,
)
from worker.app import app
from worker.intake import keeping
from worker.loop import opening, run_async
from worker.runtime import Delivery, arguments_of, async_task

__all__ = [
    "Delivery",
    "app",
    "arguments_of",
    "async_task",
    "commands",
    "exporter",
    "for_flower",
    "hangup",
    "keeping",
    "lifecycle",
    "migrated",
    "opening",
    "prefork",
    "pulse",
    "run_async",
    "slots",
]
