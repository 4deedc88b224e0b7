"""Celery's threads pool, with what it lacks: a terminate button that does not fail.

Celery's own raises `NotImplementedError` there, and so never sends the signal `task_revoked` by
which we cancel the workflow.
"""

from __future__ import annotations

from celery.concurrency.thread import TaskPool as ThreadsPool


class TaskPool(ThreadsPool):  # type: ignore[misc]  # Celery publishes no types
    """A pool thread only waits for its workflow, which runs on the process's event loop."""

    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        """Kill nothing: threads cannot be killed, the workflow is cancelled by `task_revoked`."""
