"""Begins parts: those that come next are told together with the fact before them.

A part asks nothing before its beginning is committed. With a commit of its own each beginning would
be half of a task's facts, and a part would wait for two commits before its first call: so the first
parts begin with their step, and those of the next key with the end that leaves them its slot.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from core.states import ContentStatus
from db.facts import NOW, Delete, EventDraft, Insert, Update
from notifications.events import EventType
from workflow.parts import PARTS, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from db.facts import RowWrite
    from notifications.event_data import PartTold
    from workflow.step import PartsStep

MOST_AT_FIRST: Final = 100
"""Parts that begin with their step: making one fact of very many would hold the event loop up."""


class Line:
    """The parts of a step that have not begun; those of one key begin together."""

    def __init__(self, parts: PartsStep, wanted: Iterable[Wanted]) -> None:
        """Put them in line, in the order of the step's list."""
        self._parts = parts
        self._begun: dict[UUID, PartTold] = {}
        by_key: dict[str, list[Wanted]] = {}
        for want in wanted:
            by_key.setdefault(want.need.key, []).append(want)
        self._groups = deque(by_key.values())

    def __bool__(self) -> bool:
        """Whether anybody is in it."""
        return bool(self._groups)

    def next(self) -> list[Wanted]:
        """Return the parts of the next key, which leave the line."""
        return self._groups.popleft()

    def first(self, keys: int) -> list[list[Wanted]]:
        """Return the parts of so many keys, or of fewer where they are very many."""
        taken: list[list[Wanted]] = []
        room = MOST_AT_FIRST
        while self._groups and len(taken) < keys and len(self._groups[0]) <= room:
            taken.append(self.next())
            room -= len(taken[-1])
        return taken

    def begin(self, group: Iterable[Wanted]) -> tuple[list[Update], list[EventDraft]]:
        """Return the rows and events that tell the beginning of some parts."""
        rows, events = [], []
        for want in group:
            told = self._begun[want.content_id] = self._parts.told(want)
            rows.append(changed(want, status=ContentStatus.RUNNING, started_at=NOW))
            said = self._parts.making(want)
            events.append(EventDraft(type=EventType.CONTENT_STARTED, message=said, data=told))
        return rows, events

    def has_begun(self, want: Wanted) -> bool:
        """Tell whether a part's beginning is told, and the part not taken up yet."""
        return want.content_id in self._begun

    def take_up(self, want: Wanted) -> PartTold:
        """Return what all events have in common about a part that begins now."""
        return self._begun.pop(want.content_id)


def changed(want: Wanted, *, status: ContentStatus, **values: Any) -> Update:
    """Return what changes a part's row."""
    return Update(PARTS, {"content_id": want.content_id}, {"status": str(status), **values})


def at_once(rows: Iterable[RowWrite], begun: Iterable[Update]) -> tuple[RowWrite, ...]:
    """Return rows of a step with the beginnings of some parts, each row written once."""
    left = {update.where["content_id"]: update for update in begun}
    together: list[RowWrite] = []
    for row in rows:
        named = row.values if isinstance(row, Insert) else row.where
        together.append(_with(row, left.pop(named.get("content_id"), None)))
    return (*together, *left.values())


def _with(row: RowWrite, update: Update | None) -> RowWrite:
    """Return a row with a change; one that is deleted needs none."""
    if update is None or isinstance(row, Delete):
        return row
    values = {**row.values, **update.values}
    if isinstance(row, Insert):
        return Insert(row.table, values)
    return Update(row.table, row.where, values)
