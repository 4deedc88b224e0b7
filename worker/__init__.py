"""How a coroutine runs inside Celery: the app, the process's loop, drain on shutdown."""

from worker import exporter, lifecycle, slots
from worker.app import app
from worker.loop import hooks, run_async
from worker.runtime import Delivery, async_task

__all__ = ["Delivery", "app", "async_task", "exporter", "hooks", "lifecycle", "run_async", "slots"]
