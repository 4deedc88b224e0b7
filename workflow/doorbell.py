"""Asks for a worker: the row says what is to be done, a ring only says "look".

Whoever commits a row that somebody should work on rings after the commit. The bell itself (a
Celery message) is installed by the process's composition root; without one nothing is lost,
because `maintenance.recover` rings again for rows that nobody claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

log = get_logger(__name__)


class Reason(StrEnum):
    """Why a worker is asked for; each is a Celery task of its own, so that Flower tells them."""

    GENERATE = "roadmap.generate"
    RESUME = "roadmap.resume"
    RETRY = "roadmap.retry"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """One ring.

    Attributes:
        task_id: For which task.
        reason: Why.
        at: When the row was marked as rung, by the database's clock. It travels with the message:
            the queue is first in, first out, so a row that was rung before the oldest message in
            the queue has no message there any more.
        first: The task's first delivery, which bears the task's own id.
    """

    task_id: UUID
    reason: Reason
    at: datetime
    first: bool = False


_bell: Callable[[Ring], None] | None = None


def install(bell: Callable[[Ring], None] | None) -> None:
    """Set what rings; it must not block and must not raise."""
    global _bell  # noqa: PLW0603 - one bell per process
    _bell = bell


def ring(ring: Ring) -> None:
    """Ask for a worker."""
    if _bell is None:
        log.warning("ring_without_bell", task_id=str(ring.task_id))
        return
    _bell(ring)
