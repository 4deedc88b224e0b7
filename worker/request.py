"""A delivery as the main process sees it: what is told to Flower, and its time limits.

Celery would show every delivery that ended without an exception as `SUCCESS`. Ours end in more
ways, waiting for a review among them, so the event that tells the end bears our own name for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from celery.worker.request import Request

from worker.runtime import arguments_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ends: Final[dict[str, str]] = {}
"""Which event tells an end, by what the task returned; others stay `task-succeeded`."""
unremarkable: Final[set[str]] = set()
"""Ends of later deliveries that say nothing about the task itself."""
timed_out: Final[list[Callable[[str], None]]] = []
"""Called with the `task_id` of a delivery that ran over its time limit; may block for seconds."""
RESUMED: Final = "task-resumed"


class DeliveryRequest(Request):  # type: ignore[misc]  # Celery publishes no types
    """Tells Flower our states; keeps to time limits that are set while the worker runs.

    A task's first delivery bears the task's id, so its line in Flower is the task's: it also shows
    what later deliveries (`<task id>.<suffix>`) made of it.
    """

    time_limits: tuple[float | None, float | None]
    """Hard, soft, in seconds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not any(self.time_limits):
            # Celery looks at the task's own limits when the worker starts and never again, so
            # that setting them from Flower would have no effect
            self.time_limits = (self.task.time_limit, self.task.soft_time_limit)

    def send_event(self, type: str, **fields: Any) -> None:  # noqa: A002 - Celery's name
        """Tell what happened, in our words."""
        end = None
        if type == "task-succeeded":
            end = str(fields.get("result")).strip("'")
            type = ends.get(end, type)  # noqa: A001 - ditto
        if type == "task-failed" and end is not None:
            fields = {"exception": "the workflow failed; the task's `error` says why"}
        super().send_event(type, **fields)
        task, dot, _suffix = self.id.partition(".")
        if not dot or end in unremarkable:
            return
        if type == "task-started":
            self._tell(RESUMED, task)
        elif end is not None:
            self._tell(type, task, **fields)

    def on_timeout(self, soft: bool, timeout: float) -> None:  # noqa: FBT001 - Celery's signature
        """Stop the workflow, whatever the pool: its task fails, and its worker is fenced off."""
        super().on_timeout(soft, timeout)
        for callback in timed_out:
            callback(str(self._brought.get("task_id", "")))

    @property
    def _brought(self) -> Mapping[str, Any]:
        return arguments_of(self.name, self.args, self.kwargs)

    def _tell(self, event: str, delivery: str, **fields: Any) -> None:
        if self._eventer and self._eventer.enabled:
            self._eventer.send(event, uuid=delivery, **fields)
