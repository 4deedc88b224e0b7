"""Beat's scheduler: it asks for jobs that are due, and remembers nothing."""

from __future__ import annotations

from typing import Any

from celery import beat

from core.logging import get_logger

log = get_logger(__name__)


class Scheduler(beat.Scheduler):  # type: ignore[misc]  # Celery publishes no types
    """Celery's own, which adds all calls that led there to each message that it cannot send."""

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Ask for a job; where that cannot be sent, it is asked for again when it is due again."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, beat goes on
            log.error("job_not_asked_for", job=entry.name, error=str(error))  # noqa: TRY400
        else:
            log.info("job_asked_for", job=entry.name)
