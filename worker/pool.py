"""Celery's threads pool, with what it lacks: a terminate button that works, and time limits.

Celery's own raises `NotImplementedError` for the first, and so never sends the signal
`task_revoked` by which we cancel the workflow; the second it ignores.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from celery.concurrency.thread import TaskPool as ThreadsPool

if TYPE_CHECKING:
    from collections.abc import Callable


class TaskPool(ThreadsPool):  # type: ignore[misc]  # Celery publishes no types
    """A pool thread only waits for its workflow, which runs on the process's event loop."""

    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        """Kill nothing: threads cannot be killed, the workflow is cancelled by `task_revoked`."""

    def on_apply(
        self,
        target: Any,
        args: Any = None,
        kwargs: Any = None,
        callback: Any = None,
        accept_callback: Callable[..., Any] | None = None,
        *,
        timeout_callback: Callable[[bool, float], None] | None = None,
        soft_timeout: float | None = None,
        timeout: float | None = None,
        **options: Any,
    ) -> Any:
        """Run a delivery; tell when it takes longer than its limits (`DeliveryRequest`)."""
        limits = {True: soft_timeout, False: timeout} if timeout_callback else {}
        timers = [
            threading.Timer(limit_s, timeout_callback, (soft, limit_s))
            for soft, limit_s in limits.items()
            if limit_s and timeout_callback
        ]

        def accepted(*seen: Any) -> None:
            for timer in timers:
                timer.daemon = True
                timer.start()
            if accept_callback is not None:
                accept_callback(*seen)

        def stop(_future: Any) -> None:
            for timer in timers:
                timer.cancel()

        result = super().on_apply(target, args, kwargs, callback, accepted, **options)
        result.f.add_done_callback(stop)
        return result
