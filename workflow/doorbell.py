"""Asks for a worker: the row says what is to be done, a ring only says "look".

A fact that says `rings` rings by itself after its commit: the bell observes the recorder. The bell
itself (a Celery message) is installed by the process's composition root; without one nothing is
lost, because `maintenance.recover` rings again for rows that nobody claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.logging import get_logger
from core.states import Status
from db.facts import Reason
from db.recorder import observe

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from db.facts import Recorded
    from db.ledger import TaskRow

log = get_logger(__name__)

DEFAULT: Final = "roadmap"
"""The workflow of requests that name none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """One ring.

    Attributes:
        task_id: For which task.
        reason: Why.
        at: When the row was marked as rung, by the database's clock. It travels with the message:
            the queue is first in, first out, so a row that was rung before the oldest message in
            the queue has no message there any more.
        workflow: What the task runs, for people who look at messages.
    """

    task_id: UUID
    reason: Reason
    at: datetime
    workflow: str = DEFAULT

    @property
    def first(self) -> bool:
        """It brings the task's first delivery, which bears the task's own id."""
        return self.reason.first


_bell: Callable[[Ring], None] | None = None


def install(bell: Callable[[Ring], None] | None) -> None:
    """Set what rings, from now on also for what is recorded; it must not block nor raise."""
    global _bell  # noqa: PLW0603 - one bell per process
    _bell = bell
    observe(_heard)


def _heard(recorded: Recorded) -> None:
    if recorded.rings is not None:
        ring(
            Ring(
                task_id=recorded.task_id,
                reason=recorded.rings,
                at=recorded.at,
                workflow=recorded.workflow,
            )
        )


def reason_for(row: TaskRow) -> Reason:
    """Return why a worker is asked for a task that waits: its first one until one has taken it."""
    return first_reason(row.workflow) if row.status == Status.PENDING else Reason.RESUME


def first_reason(workflow: str) -> Reason:
    """Return why a worker is asked for a new task; operators see it as the message's name."""
    return Reason.GENERATE if workflow == DEFAULT else Reason.RUN


def ring(ring: Ring) -> None:
    """Ask for a worker."""
    if _bell is None:
        log.warning("ring_without_bell", task_id=str(ring.task_id))
        return
    _bell(ring)
