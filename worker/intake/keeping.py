"""Renews the messages that a worker has fetched and not begun; a killed worker's come back."""

from __future__ import annotations

from typing import Any, Final

from celery import bootsteps
from celery.worker.state import reserved_requests
from redis.exceptions import RedisError

from core.logging import get_logger
from worker.app import app

log = get_logger(__name__)

RENEW_S: Final = 5.0
"""A few times in a visibility time-out, so that a slow Redis costs nothing."""


class KeepFetched(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery publishes no types
    """Renews in the consumer's own loop: one that hangs loses what it holds, as it should."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **_: Any) -> None:
        super().__init__(consumer)
        self._timer: Any = None
        self._qos: Any = None

    def start(self, consumer: Any) -> None:
        """Begin to renew, where the broker does not do it by itself."""
        qos: Any = getattr(consumer.task_consumer.channel, "qos", None)
        if not hasattr(qos, "renew"):
            return

        def renew() -> None:
            try:
                qos.renew()
            except (RedisError, OSError) as error:
                log.warning("fetched_messages_renewal_failed", error=type(error).__name__)

        self._timer = consumer.timer.call_repeatedly(RENEW_S, renew)
        self._qos = qos
        channel = consumer.task_consumer.channel
        channel.room = lambda: consumer.pool.num_processes - len(reserved_requests)

    def stop(self, _consumer: Any) -> None:
        """Renew no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._qos.flush()  # the consumer's loop, which does it else, has ended


app.steps["consumer"].add(KeepFetched)
