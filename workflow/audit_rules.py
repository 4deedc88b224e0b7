"""What a workflow tells the audit: what only its tasks can have wrong, and the shapes it stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from uuid import UUID

    from pydantic import BaseModel, TypeAdapter
    from sqlalchemy import Select

    from db.ledger import TaskRow
    from db.session import Transaction

    Mend = Callable[[Transaction, TaskRow], Awaitable[str | None]]

RESTORE: Final = "Restore the rows from a backup"


class Kind(StrEnum):
    """What can be wrong with any workflow's task, in the order in which it is mended.

    A legal pair comes before all else. What only one workflow can have wrong, its definition names.
    """

    ILLEGAL_PAIR = "illegal_pair"
    LAST_SEQ_BEHIND = "last_seq_behind"
    LEASE_ON_IDLE_TASK = "lease_on_idle_task"
    LEASE_BROKEN = "lease_broken"
    WORKER_SILENT = "worker_silent"
    REVIEW_STRAY = "review_stray"
    REVIEW_MISSING = "review_missing"
    CONTENT_RUNNING_UNATTENDED = "content_running_unattended"
    PROGRESS_COUNTS = "progress_counts"
    PERCENT = "percent"
    WAITING_LONG = "waiting_long"
    ORPHANED_NOTIFICATION = "orphaned_notification"
    SEQ_GAP = "seq_gap"
    LOG_CONTRADICTS_ROW = "log_contradicts_row"
    OUTCOME_CONTRADICTS_CONTENTS = "outcome_contradicts_contents"
    CHECKPOINT_GAP = "checkpoint_gap"
    OWNER_DIFFERS = "owner_differs"
    COUNTERS = "counters"
    TIMES = "times"
    REQUEST_SHAPE = "request_shape"
    EVENT_SHAPE = "event_shape"
    CHECKPOINT_SHAPE = "checkpoint_shape"
    CONTENT_SHAPE = "content_shape"
    REVIEW_SHAPE = "review_shape"
    ORPHAN = "orphan"


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """What a kind of finding means.

    Attributes:
        means: What is wrong and what follows from it.
        mended: What the repair does; None when only a human can tell what is right.
        advice: What a human can do when it is not mended.
    """

    means: str
    advice: str
    mended: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """JSON of tasks that is read row by row.

    Attributes:
        kind: What it is called when a row cannot be read.
        rows: Returns the statement for some tasks; its rows have a `task_id`.
        at_a_time: Rows held at once.
        check: Raises a `ValueError` for a row that cannot be read.
    """

    kind: str
    rows: Callable[[Sequence[UUID]], Select[Any]]
    at_a_time: int
    check: Callable[[Any], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditRules:
    """What only one workflow's tasks can have wrong, and the shapes of what its steps store.

    Attributes:
        meanings: Its own kinds of findings.
        rules: By kind a query that gives `(task_id, detail)` of the rows of `batch` that break it.
        looks: JSON of its own tables.
        outputs: What each step gives, by the step.
        bodies: What a part holds, by its kind.
        edits: A reviewer's edits.
        links: `(table, column, the table it points to)` of its own foreign keys.
        mends: By kind what mends it; returns what was done, or None.
    """

    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    looks: Sequence[Look] = ()
    outputs: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    bodies: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    edits: TypeAdapter[Any] | None = None
    links: Sequence[tuple[str, str, str]] = ()
    mends: Mapping[str, Mend] = field(default_factory=dict)
