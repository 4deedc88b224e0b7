"""Celery's consumer, which a Redis that dies at the wrong moment would take along."""

from __future__ import annotations

from celery.worker.consumer import Consumer as CeleryConsumer

from core.logging import get_logger

log = get_logger(__name__)


class Consumer(CeleryConsumer):  # type: ignore[misc]  # Celery publishes no types
    """Lives on when the connection is lost while a fetched message is not acknowledged yet."""

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
            log.warning("messages_not_given_back", error=str(error))
