"""Coroutines as Celery tasks."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

from core import telemetry
from worker.app import app
from worker.loop import run_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

REQUEST: Final = "worker.request:DeliveryRequest"
"""By name: only workers need it, and it imports much of Celery."""

REQUEST_ID: Final = "request_id"
"""Header with the id of the HTTP request that asked for the delivery, for the logs."""
_LONGEST_ID: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What Celery knows of the message, taken on the task's own thread.

    `task.request` is thread-local: on the loop's thread it would be another one's, or empty.
    """

    id: str
    name: str
    worker: str


def async_task(name: str, **options: Any) -> Callable[[Callable[..., Awaitable[Any]]], Any]:
    """Register a coroutine function as a Celery task; its first argument is the `Delivery`."""

    def register(function: Callable[..., Awaitable[Any]]) -> Any:
        @functools.wraps(function)
        def run(task: Any, *args: Any, **kwargs: Any) -> Any:
            request = task.request
            delivery = Delivery(id=request.id, name=task.name, worker=str(request.hostname))

            bound = {"delivery": delivery.id}
            if request_id := request.get(REQUEST_ID):
                bound[REQUEST_ID] = str(request_id)[:_LONGEST_ID]

            async def call() -> Any:
                came_from = request.get(telemetry.TRACEPARENT)
                with (
                    structlog.contextvars.bound_contextvars(**bound),
                    telemetry.span(
                        delivery.name,
                        kind="consumer",
                        parent=came_from if isinstance(came_from, str) else None,
                        attributes={
                            "messaging.system": "celery",
                            "messaging.message.id": delivery.id,
                        },
                    ),
                ):
                    return await function(delivery, *args, **kwargs)

            return run_async(call())

        return app.task(name=name, bind=True, Request=REQUEST, **options)(run)

    return register
