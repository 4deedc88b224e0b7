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
        if_paused: What happens while it is paused, for people.
        interval_s: How often it is due.
    """

    name: JobName
    description: str
    if_paused: str
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
            " message was lost or whose turn has come. Notes each minute how many wait and run.",
            if_paused="Tasks of a worker that went silent may stand still, and so may some that"
            " wait in line. Curves of the last hour have a gap.",
            interval_s=5,
        ),
        Job(
            name=JobName.REMIND,
            description="Reminds reviewers of what is due, and does what REVIEW_ON_EXPIRY says"
            " with reviews that are past due.",
            if_paused="Nobody is reminded, and reviews that are past due wait on.",
            interval_s=60,
        ),
        Job(
            name=JobName.PURGE,
            description="Deletes events and read notifications of tasks that ended"
            " EVENT_RETENTION_DAYS ago.",
            if_paused="The database grows; nothing else changes.",
            interval_s=3600,
        ),
        Job(
            name=JobName.AUDIT,
            description="Looks for rows that contradict each other, and reports them.",
            if_paused="A contradiction is not noticed; nothing else changes.",
            interval_s=600,
        ),
    )
}
