"""Celery's prefork pool, made to survive several children that are killed at once.

Celery 5.7.0 forgets to watch a child when it hears of an end, be it by mistake: several that die at
once leave descriptors whose numbers are given out again. At the next connection to the broker it
wants to watch all its children again, finds no descriptor for that one, and ends the worker.
"""

from __future__ import annotations

from typing import Any

from celery import concurrency, signals
from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool

from worker.children import watch_children


def is_prefork(pool: Any) -> bool:
    """Tell whether a pool is Celery's prefork pool: its name, its class, or itself."""
    named = pool if isinstance(pool, (str, type)) else type(pool)
    return issubclass(concurrency.get_implementation(named), TaskPool)


class ProcessPool(AsynPool):  # type: ignore[misc]  # Celery publishes no types
    """Watches each living child again that Celery has stopped watching."""

    def _track_child_process(self, proc: Any, hub: Any) -> None:
        if getattr(proc, "_sentinel_poll", proc) is None:
            if getattr(proc._popen, "sentinel", None) is None:  # noqa: SLF001 - of a child of ours
                return  # it has ended, and is cleared away in a moment
            del proc._sentinel_poll  # noqa: SLF001 - ditto
        super()._track_child_process(proc, hub)


def _use(sender: Any, **_: Any) -> None:
    if is_prefork(sender.pool_cls):
        TaskPool.Pool = ProcessPool
        watch_children()


signals.worker_init.connect(_use)
