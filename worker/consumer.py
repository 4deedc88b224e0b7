"""Celery's consumer, made to survive a message that fails in it, and a Redis that goes away."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from celery.worker.consumer import Consumer as CeleryConsumer

from core.logging import get_logger
from worker.intake import Incoming, Reason, RefusedError, judge, set_aside
from worker.intake.keys import clear_foreign, is_about_keys
from worker.intake.refusal import unforeseen
from worker.runtime import known

if TYPE_CHECKING:
    from collections.abc import Callable

log = get_logger(__name__)

TELL_EVERY_S: Final = 0.2
"""Celery tells Flower after each message and each task that ends, which is a message and a client
of Redis each time: in a burst that took as long as all else that its thread does."""


class Consumer(CeleryConsumer):  # type: ignore[misc]  # Celery publishes no types
    """Goes on when a message fails in it, and when its connection is lost."""

    class Blueprint(CeleryConsumer.Blueprint):  # type: ignore[misc]  # ditto
        """Without gossip: workers need not hear each other's events, which anybody can send."""

        default_steps = [  # noqa: RUF012 - Celery's own class attribute
            step for step in CeleryConsumer.Blueprint.default_steps if not step.endswith(":Gossip")
        ]

    _told_at = 0.0
    _tells_at = 0.0

    def create_task_handler(self) -> Callable[[Any], None]:
        """Return what takes a message: Celery's way, with nothing coming out of it."""
        handle = super().create_task_handler()
        connection_lost = tuple(e for e in self.connection_errors if e is not KeyError)

        def on_task_received(message: Any) -> None:
            try:
                if not getattr(message.channel, "judges", False):
                    _judge_in_place(message)
                handle(message)
            except RefusedError as refused:
                self._refuse(message, refused)
            except (*connection_lost, *self.channel_errors):
                raise
            except Exception as error:
                log.exception("message_handling_failed")
                self._refuse(message, unforeseen(error))

        return on_task_received

    def _flush_events(self) -> None:
        """Tell what happened, a few times a second."""
        now = time.monotonic()
        wait_s = self._told_at + TELL_EVERY_S - now
        if wait_s <= 0:
            self._told_at = now
            super()._flush_events()
        elif self._tells_at <= now:
            self._tells_at = now + wait_s
            self.timer.call_after(wait_s, self._flush_events)

    def stop(self) -> None:
        """Tell what is left, then stop."""
        with suppress(*self.connection_errors, *self.channel_errors):
            super()._flush_events()
        super().stop()

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Set aside what kombu could not decode."""
        why = f"it could not be decoded: {type(exc).__name__}"
        self._refuse(message, RefusedError(Reason.BODY, why))

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Wait for the broker; make our keys in it usable if they are what is wrong."""
        super().on_connection_error_before_connected(exc)
        self._clear_way(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Drop the lost connection.

        Celery 5.7.0 closes it twice. Each time the channel tries to give back what it had fetched,
        the second time by a connection whose address is forgotten already; that `AttributeError`
        would end the worker, and every workflow in it.
        """
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            if self.connection is not None:
                raise
            log.warning("message_return_failed", error=str(error))
        self._clear_way(exc)

    def _clear_way(self, exc: Exception) -> None:
        if is_about_keys(exc):
            clear_foreign(self.app.connection_for_write(), self.app.amqp.queues)

    def _refuse(self, message: Any, refused: RefusedError) -> None:
        queue = str((message.delivery_info or {}).get("routing_key") or "")
        body = message.body
        raw = body if isinstance(body, bytes | str) else repr(body)
        set_aside(raw, refused, queue=queue[:200])
        if not message.acknowledged:
            message.ack()


def _judge_in_place(message: Any) -> None:
    """Judge a message of a transport that does not do it, and make it what it should be."""
    judged = judge(
        Incoming(
            headers=message.headers if isinstance(message.headers, dict) else {},
            content_type=message.content_type,
            content_encoding=message.content_encoding,
            body=message.body.encode() if isinstance(message.body, str) else bytes(message.body),
            priority=message.properties.get("priority"),
        ),
        known,
    )
    message.headers = dict(judged.headers)
    message.body = judged.body
    message.content_type, message.content_encoding = judged.content_type, judged.content_encoding
    message.properties = {"priority": judged.priority}
