"""The kinds of findings: what each means, whether it can be mended, and what a human can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workflow.audit_rules import RESTORE, Kind, Meaning
from workflow.registry import definitions

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One contradiction.

    Attributes:
        kind: What is wrong.
        key: The task's id; of an orphan the id of what is missing.
        detail: What was found, never a text of a user.
    """

    kind: str
    key: UUID
    detail: str


_CANCEL_RETRY: Final = "`roadmap cancel TASK`, then `roadmap retry TASK`"
_LOCKED: Final = "Try again when the task is not locked."

MEANINGS: Final[dict[str, Meaning]] = {
    Kind.ILLEGAL_PAIR: Meaning(
        means="Status and step do not go together; nobody goes on with the task.",
        mended="The step is set where the status leaves no doubt about it, or goes to `resuming`.",
        advice="The status itself is none of ours: set it by hand to what the last event says.",
    ),
    Kind.LAST_SEQ_BEHIND: Meaning(
        means="The row counts fewer events than the log has; the next event cannot be written.",
        mended="The row counts on from the log's last event.",
        advice=_LOCKED,
    ),
    Kind.LEASE_ON_IDLE_TASK: Meaning(
        means="A task that no worker may hold has a lease.",
        mended="The lease is taken away.",
        advice=_LOCKED,
    ),
    Kind.LEASE_BROKEN: Meaning(
        means="Half a lease, or one that ends absurdly late; no worker can take the task over.",
        mended="The task is freed and a worker is asked for.",
        advice=f"{_CANCEL_RETRY}.",
    ),
    Kind.WORKER_SILENT: Meaning(
        means="Its worker is lost and nobody took over: `maintenance.recover` does not run.",
        mended="The task is freed and a worker is asked for.",
        advice="See whether beat and a worker are running: `roadmap doctor`.",
    ),
    Kind.REVIEW_STRAY: Meaning(
        means="A review is open, but its task does not wait for one; people are asked for nothing.",
        mended="The review is closed as cancelled.",
        advice=_LOCKED,
    ),
    Kind.REVIEW_MISSING: Meaning(
        means="The task waits for a decision, but no review is open; nobody can decide it.",
        mended="The task is handed to a worker, which opens the review anew.",
        advice=f"{_CANCEL_RETRY}.",
    ),
    Kind.CONTENT_RUNNING_UNATTENDED: Meaning(
        means="Contents are said to be written, but nobody is at work on their task.",
        mended="They wait for their turn again; a retry writes them.",
        advice=_LOCKED,
    ),
    Kind.PROGRESS_COUNTS: Meaning(
        means="The row's counts of contents are not those of the contents.",
        mended="They are counted anew.",
        advice=_LOCKED,
    ),
    Kind.PERCENT: Meaning(
        means="The percentage is out of its range, or behind what is done.",
        mended="It is worked out anew.",
        advice=_LOCKED,
    ),
    Kind.WAITING_LONG: Meaning(
        means="No worker has taken the task for an hour: its message is lost, or none is running.",
        mended="A worker is asked for again.",
        advice="Start a worker: `roadmap worker`, or `roadmap up`.",
    ),
    Kind.ORPHANED_NOTIFICATION: Meaning(
        means="A notification leads to a task that is not there.",
        mended="It is deleted.",
        advice="Delete it.",
    ),
    Kind.SEQ_GAP: Meaning(
        means="Events of the task are missing; viewers go on after the gap, the work is not hurt.",
        advice=f"{RESTORE} if they are needed; events are never invented.",
    ),
    Kind.LOG_CONTRADICTS_ROW: Meaning(
        means="The last event tells another status than the row has; one of them was overwritten.",
        advice="When the row is right do nothing but `roadmap retry TASK` or `roadmap cancel TASK`,"
        " whichever it allows: both agree from then on. Else set the row by hand.",
    ),
    Kind.OUTCOME_CONTRADICTS_CONTENTS: Meaning(
        means="The task's end does not fit its contents: completed with unfinished ones, or partly"
        " failed without a failed one.",
        advice="`roadmap retry TASK`; for a completed task regenerate what is missing.",
    ),
    Kind.CHECKPOINT_GAP: Meaning(
        means="A checkpoint is missing in between; the workflow may do the wrong step next.",
        advice=f"{RESTORE}, or submit the goal anew.",
    ),
    Kind.OWNER_DIFFERS: Meaning(
        means="The task and what belongs to it have different owners: somebody sees too much.",
        advice="Find out who asked (the request's log), and set user_id by hand, at once.",
    ),
    Kind.COUNTERS: Meaning(
        means="An epoch, attempt, loss, call or token count that cannot be.",
        advice=f"{_CANCEL_RETRY}: that raises epoch and attempt.",
    ),
    Kind.TIMES: Meaning(
        means="Times in the wrong order, or in the future: a clock jumped, or rows were edited."
        " Shown durations are wrong, and retention may come too early or too late.",
        advice="Correct the times by hand if that matters.",
    ),
    Kind.REQUEST_SHAPE: Meaning(
        means="The stored request or error cannot be read; a worker that takes the task fails it.",
        advice="Submit the goal anew.",
    ),
    Kind.EVENT_SHAPE: Meaning(
        means="A stored event is not one of docs/EVENTS.md; clients may stumble over it.",
        advice=f"{RESTORE}; a newer worker's event is no fault, once everything runs its version.",
    ),
    Kind.CHECKPOINT_SHAPE: Meaning(
        means="What a step gave cannot be read; the workflow cannot go on from there.",
        advice=f"{RESTORE}, or submit the goal anew.",
    ),
    Kind.CONTENT_SHAPE: Meaning(
        means="A content cannot be shown as it is stored.",
        advice="Regenerate it.",
    ),
    Kind.REVIEW_SHAPE: Meaning(
        means="A review's decision and its record do not fit.",
        advice="Compare it with the task's `review_decided` event, and correct it by hand.",
    ),
    Kind.ORPHAN: Meaning(
        means="Rows belong to something that is not there.",
        advice=f"{RESTORE} of what is missing, or delete these; they are kept as evidence.",
    ),
}


def meanings() -> dict[str, Meaning]:
    """Return the meanings in the order in which findings are told."""
    own = {kind: what for each in definitions() for kind, what in each.audit.meanings.items()}
    return {**MEANINGS, **own}


def meaning_of(kind: str) -> Meaning:
    """Return what a kind means."""
    return meanings()[kind]
