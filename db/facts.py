"""A fact: everything that is committed together about one task.

Nobody changes one of these values once it is made. They are not frozen all the same: Python takes
three times as long to make a frozen one, and each model call makes a dozen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from core.usage import NOTHING, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Table

    from core.states import Status


class Reason(StrEnum):
    """Why a worker is asked for; each is a Celery task of its own, so that Flower tells them."""

    GENERATE = "roadmap.generate"
    """The task was never begun; it is to make a roadmap."""
    RUN = "workflow.run"
    """The task was never begun; it is one of another workflow."""
    RESUME = "roadmap.resume"
    RETRY = "roadmap.retry"

    @property
    def first(self) -> bool:
        """Whether no worker has had the task yet."""
        return self in {Reason.GENERATE, Reason.RUN}


@dataclass(kw_only=True, slots=True)
class EventDraft:
    """An event before it is committed; its number, time, status and progress come with that."""

    type: str
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


class JsonText(str):
    """What a JSON column gets, written as JSON already."""

    __slots__ = ()


class _Now:
    """Stands for the time of the commit, by the database's clock, in the values of a row."""


NOW: Final = _Now()


@dataclass(slots=True)
class Insert:
    """A row to add."""

    table: Table
    values: Mapping[str, Any]


@dataclass(slots=True)
class Update:
    """A change to the rows that `where` names by column values; None names those without one."""

    table: Table
    where: Mapping[str, Any]
    values: Mapping[str, Any]


@dataclass(slots=True)
class Delete:
    """Rows to delete, named by column values."""

    table: Table
    where: Mapping[str, Any]


RowWrite = Insert | Update | Delete


@dataclass(kw_only=True, slots=True)
class Fact:
    """Something that became true about one task: its row, other rows, and the events that tell it.

    Attributes:
        task_id: The task.
        epoch: The lease's epoch under which a worker writes; the fact is refused when the row has
            another one. None for writers that hold the row's lock instead (API, maintenance).
        status: New status, or None to keep it.
        step: New current step, or None to keep it.
        done: Parts completed since the last fact.
        total: Parts in all, when that became known; `reset_done` then counts anew.
        reset_done: With `total`: how many of them are done already.
        failed: Parts that failed since the last fact; less than none when they are tried again.
        reset_failed: With `total`: how many of them failed before and are left so.
        begins: The step begins: its time, and what ends in it, count from here.
        usage: What model calls cost on the way.
        progressed: A step or a part ended, so the worker is not stuck on this task.
        rings: Why a worker is asked for, if one is: right after the commit, by whoever observes
            the recorder. The row remembers when.
        creates: The columns of the task's row, where the fact is that there is one now; it is
            refused when there was one before.
        changes: Other columns of the task's row; `NOW` is the time of the commit.
        rows: Rows of other tables, written in this order.
        events: Events that tell the fact, in this order.
    """

    task_id: UUID
    epoch: int | None = None
    status: Status | None = None
    step: str | None = None
    done: int = 0
    total: int | None = None
    reset_done: int = 0
    failed: int = 0
    reset_failed: int = 0
    begins: bool = False
    usage: Usage = NOTHING
    progressed: bool = False
    rings: Reason | None = None
    creates: Mapping[str, Any] | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[RowWrite, ...] = ()
    events: tuple[EventDraft, ...] = ()


@dataclass(kw_only=True, slots=True)
class Recorded:
    """A committed fact: the events as they are stored, published and streamed.

    `lines` are the same events, each as JSON.
    """

    task_id: UUID
    user_id: str
    workflow: str
    events: tuple[dict[str, Any], ...]
    lines: tuple[bytes, ...]
    rows: tuple[RowWrite, ...]
    rings: Reason | None
    at: datetime
