"""The maintenance jobs: what each does, and how often. Their last runs are in table `schedules`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST_ASK_S: Final = 60.0


class JobName(StrEnum):
    """What maintenance does; the Celery task `maintenance.<name>` runs it."""

    RECOVER = "recover"
    REMIND = "remind"
    PURGE = "purge"
    AUDIT = "audit"

    @property
    def celery_name(self) -> str:
        """The Celery task that runs it."""
        return f"maintenance.{self}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One maintenance job.

    Attributes:
        name: Its short name.
        description: What it does, for people.
        interval_s: How often it is due.
    """

    name: JobName
    description: str
    interval_s: float

    @property
    def ask_every_s(self) -> float:
        """How often a scheduler asks whether it is due: its row decides, not the scheduler."""
        return min(self.interval_s, LONGEST_ASK_S)


JOBS: Final[dict[str, Job]] = {
    job.name: job
    for job in (
        Job(
            name=JobName.RECOVER,
            description="Takes tasks from workers that went silent, and rings for tasks whose"
            " message was lost or whose turn has come.",
            interval_s=5,
        ),
        Job(
            name=JobName.REMIND,
            description="Reminds reviewers of what is due, and does what REVIEW_ON_EXPIRY says"
            " with reviews that are past due.",
            interval_s=60,
        ),
        Job(
            name=JobName.PURGE,
            description="Deletes events and read notifications of tasks that ended"
            " EVENT_RETENTION_DAYS ago.",
            interval_s=3600,
        ),
        Job(
            name=JobName.AUDIT,
            description="Looks for rows that contradict each other, and reports them.",
            interval_s=600,
        ),
    )
}
