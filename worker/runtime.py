"""Coroutines as Celery tasks."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import structlog

from core import telemetry
from core.wire_names import REQUEST_ID, RUNG_AT
from worker.app import app
from worker.intake.message import EXPIRES_AT, STARTS_AT, Known
from worker.loop import run_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

REQUEST: Final = "worker.request:DeliveryRequest"
"""By name: only workers need it, and it imports much of Celery."""

_LONGEST_ID: Final = 64

known: Final[dict[str, Known]] = {}
"""The tasks that may be asked for, by name. Celery has more, which nobody shall call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What Celery knows of the message, taken on the task's own thread.

    `task.request` is thread-local: on the loop's thread it would be another one's, or empty.
    """

    id: str
    name: str
    worker: str
    starts_at: datetime | None = None
    """Not before; of tasks that wait in their rows."""
    expires_at: datetime | None = None
    """Not later."""
    ours: bool = False
    """It is a ring of our own: its task had a row when it was sent."""


def async_task(
    name: str,
    *,
    check: Callable[[Mapping[str, Any]], None] | None = None,
    waits_in_row: bool = False,
    **options: Any,
) -> Callable[[Callable[..., Awaitable[Any]]], Any]:
    """Register a coroutine function as a Celery task; its first argument is the `Delivery`.

    Args:
        name: The task's.
        check: See `Known`.
        waits_in_row: See `Known`.
        options: Celery's.
    """

    def register(function: Callable[..., Awaitable[Any]]) -> Any:
        known[name] = Known(
            signature=inspect.signature(function), check=check, waits_in_row=waits_in_row
        )

        @functools.wraps(function)
        def run(task: Any, /, *args: Any, **kwargs: Any) -> Any:
            request = task.request
            delivery = Delivery(
                id=request.id,
                name=task.name,
                worker=str(request.hostname),
                starts_at=_moment(request.get(STARTS_AT)),
                expires_at=_moment(request.get(EXPIRES_AT)),
                ours=bool(request.get(RUNG_AT)),
            )

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


def arguments_of(task: str, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return what a delivery brings, by its parameters' names; nothing of one that is none of ours.

    Args:
        task: Its task's name.
        args: What it brings by position; other programs may send all of it so.
        kwargs: What it brings by name.
    """
    if (ours := known.get(task)) is None:
        return {}
    try:
        return ours.signature.bind(None, *(args or ()), **(kwargs or {})).arguments
    except TypeError:
        return {}


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
