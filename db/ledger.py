"""Writes facts: the one place where status, percent, sequence numbers and events are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

import orjson

from core.errors import AlreadyThereError, AppError, NotFoundError
from core.states import Status
from db.dialing import json_text
from db.facts import JsonText, Recorded
from db.models import Part, RoadmapTask, TaskEvent
from db.raw import known_errors, raw_of
from db.row_statements import Filled, RowWrites, change, creation, insertion, run_together
from db.task_changes import COUNTED, LOOKED_AT, check, count, move, only_counts, payloads_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncSession

    from db.facts import Fact, RowWrite
    from db.raw import Raw

TASKS: Final = cast("Table", RoadmapTask.__table__)
EVENTS: Final = cast("Table", TaskEvent.__table__)
PARTS: Final = cast("Table", Part.__table__)
_MUTABLE: Final = tuple(
    column.name
    for column in TASKS.columns
    if column.name not in {"task_id", "user_id", "workflow", "goal", "request", "created_at"}
    and column.name not in {"idempotency_key", "request_digest", "asks_review"}
    and column.name != "updated_at"  # of all that a batch touches alike
)
EVENT_COLUMNS: Final = ("task_id", "seq", "type", "payload")
_NAMED: Final = ("task_id", "user_id", "workflow")


def _locking(*columns: str) -> str:
    return f"""
        SELECT {", ".join(columns)}, clock_timestamp() AS _now
        FROM roadmap_tasks WHERE task_id = ANY($1::uuid[])
        ORDER BY task_id FOR NO KEY UPDATE
    """  # noqa: S608 - names of our own columns


# the parts of the row that facts look at; the request, which may be long, is not among them
_LOCK: Final = _locking(*_NAMED, *_MUTABLE)
_LOCK_COUNTED: Final = _locking(*_NAMED, *LOOKED_AT, *COUNTED)
_LOCK_ALL: Final = f"""
    SELECT {", ".join(TASKS.columns.keys())}, clock_timestamp() AS _now FROM roadmap_tasks
    WHERE task_id = ANY($1::uuid[]) AND ($2::text IS NULL OR user_id = $2)
    ORDER BY task_id FOR NO KEY UPDATE {{skip}}
"""  # noqa: S608 - ditto
_STORED: Final = "SELECT created_at FROM task_events WHERE task_id = $1 AND seq = $2"


@dataclass(slots=True)
class TaskRow:
    """A locked row of `roadmap_tasks` and the database's time at which it was read."""

    values: dict[str, Any]
    now: datetime
    named: str = ""
    """Its id as events tell it, once one does."""
    at: str = ""
    """The time as events tell it."""

    def __getattr__(self, name: str) -> Any:
        """Return a column's value."""
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def leased(self) -> bool:
        """A worker holds this task, by the database's clock."""
        until: datetime | None = self.lease_until
        return until is not None and until >= self.now

    @property
    def expired(self) -> bool:
        """It was to have begun by now, and has not."""
        by: datetime | None = self.expires_at
        return self.status == Status.PENDING and by is not None and by <= self.now


async def lock_tasks(
    session: AsyncSession,
    task_ids: Iterable[UUID],
    *,
    owner: str | None = None,
    skip_locked: bool = False,
) -> dict[UUID, TaskRow]:
    """Lock tasks' rows until the session's transaction ends; see `lock_rows`."""
    raw = await raw_of(session)
    return await lock_rows(raw, task_ids, owner=owner, skip_locked=skip_locked)


async def lock_rows(
    raw: Raw, task_ids: Iterable[UUID], *, owner: str | None = None, skip_locked: bool = False
) -> dict[UUID, TaskRow]:
    """Lock tasks' rows until the transaction ends, always in the order of their ids.

    The same order everywhere is what keeps writers of many tasks from deadlocking.

    Args:
        raw: The connection that has the transaction.
        task_ids: The tasks; those that are not there are left out.
        owner: Only this user's; other rows are neither locked nor waited for.
        skip_locked: Leave out what somebody else holds, instead of waiting for it.
    """
    statement = _LOCK_ALL.format(skip="SKIP LOCKED" if skip_locked else "")
    with known_errors(raw):
        return _task_rows(await raw.fetch(statement, list(task_ids), owner))


async def was_committed(
    raw: Raw, facts: Sequence[Fact], outcomes: Sequence[Recorded | AppError]
) -> bool:
    """Tell whether a transaction that wrote these outcomes was committed, its reply lost.

    One event of it tells for all. Its transaction id would not: PostgreSQL gives an id that a crash
    took back to somebody else. Facts without any event must bear to be written twice.
    """
    # a transaction that has neither committed nor aborted yet still holds these locks
    await raw.fetch(_LOCK_COUNTED, list({fact.task_id for fact in facts}))
    for outcome in outcomes:
        if isinstance(outcome, Recorded) and outcome.events:
            event = outcome.events[0]
            stored = await raw.fetchval(_STORED, UUID(event["task_id"]), event["seq"])
            return bool(stored == outcome.at)
    return False


async def write_facts(
    raw: Raw, facts: Sequence[Fact], *, rows: Mapping[UUID, TaskRow] | None = None
) -> list[Recorded | AppError]:
    """Write facts in the connection's transaction; the caller commits.

    Args:
        raw: Where.
        facts: What became true.
        rows: The tasks' rows, if this transaction has locked and read them, and not changed them.

    Returns:
        For each fact what was recorded, or why it was refused; a refused one writes nothing and
        does not hinder the others.

    Raises:
        DBAPIError: The database refused the transaction, and with it all facts.
    """
    with known_errors(raw):
        created = await _create(raw, facts)
        counting = rows is None and all(map(only_counts, facts))
        if rows is None:
            ids = {fact.task_id for fact in facts}
            rows = _task_rows(await raw.fetch(_LOCK_COUNTED if counting else _LOCK, list(ids)))
        batch = _Batch(counting=counting)
        outcomes: list[Recorded | AppError] = []
        for fact in facts:
            if fact.creates is not None and fact.task_id not in created:
                outcomes.append(AlreadyThereError())
                continue
            created.discard(fact.task_id)
            outcomes.append(batch.take(rows.get(fact.task_id), fact))
        await batch.write(raw, rows)
        return outcomes


async def _create(raw: Raw, facts: Sequence[Fact]) -> set[UUID]:
    """Make the rows of tasks that are new; return which were not there before."""
    by_shape: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for fact in facts:
        if fact.creates is not None:
            by_shape.setdefault(tuple(fact.creates), []).append(tuple(fact.creates.values()))
    created: set[UUID] = set()
    for names, rows in by_shape.items():
        statement = creation(TASKS, names, "task_id")
        added = await Filled(statement, [*zip(*rows, strict=True)]).fetch(raw)
        created.update(row[0] for row in added)
    return created


def _task_rows(records: Iterable[Mapping[str, Any]]) -> dict[UUID, TaskRow]:
    """Return rows by their ids; they are of one time, or each event would carry its own."""
    found = [dict(record) for record in records]
    now = max([values.pop("_now") for values in found], default=None)
    return {} if now is None else {values["task_id"]: TaskRow(values, now) for values in found}


def _line(event: dict[str, Any]) -> bytes:
    """Return an event as it is stored and published."""
    try:
        return orjson.dumps(event)
    except TypeError:  # the database says what is wrong with it
        return json_text(event).encode()


class _Batch:
    """What facts that go into one transaction change, add and tell."""

    def __init__(self, *, counting: bool) -> None:
        self._counting = counting
        self._columns = COUNTED if counting else _MUTABLE
        self._touched: set[UUID] = set()
        self._writes: list[RowWrite] = []
        self._events: list[tuple[Any, ...]] = []

    def take(self, row: TaskRow | None, fact: Fact) -> Recorded | AppError:
        """Change the row as a fact says, or say why it is refused."""
        try:
            if row is None:
                raise NotFoundError(f"There is no task {fact.task_id}.")
            check(row, fact)
        except AppError as error:
            return error
        if self._counting or only_counts(fact):
            count(row, fact)
        else:
            move(row, fact)
        payloads = payloads_of(row, fact.events)
        lines = tuple(map(_line, payloads))
        self._events += [
            (fact.task_id, told["seq"], told["type"], JsonText(line.decode()))
            for told, line in zip(payloads, lines, strict=True)
        ]
        self._writes += fact.rows
        self._touched.add(fact.task_id)
        return Recorded(
            task_id=fact.task_id,
            workflow=row.values["workflow"],
            user_id=row.values["user_id"],
            events=payloads,
            lines=lines,
            rows=fact.rows,
            rings=fact.rings,
            at=row.now,
        )

    async def write(self, raw: Raw, rows: Mapping[UUID, TaskRow]) -> None:
        """Write all that was taken."""
        if not self._touched:
            return
        now = max(row.now for row in rows.values())
        # sorted as they were locked; always the same columns: these are prepared statements
        changed = [rows[key].values for key in sorted(self._touched)]
        tasks = change(TASKS, ("task_id",), self._columns, ("updated_at",))
        columns = [[values[name] for values in changed] for name in ("task_id", *self._columns)]
        others = RowWrites(self._writes, now=now)
        those = [Filled(tasks, columns, [now]), *others.statements()]
        if self._events:
            events = insertion(EVENTS, EVENT_COLUMNS, ("created_at",))
            those.append(Filled(events, [*zip(*self._events, strict=True)], [now]))
        # no trigger follows a change there, and one that is told twice stays in its order
        if others.change_only(PARTS, "content_id"):
            await run_together(raw, those)
            return
        for each in those:
            await each.run(raw)


async def write_fact(raw: Raw, fact: Fact, *, row: TaskRow | None = None) -> Recorded:
    """Write one fact in the connection's transaction (`write_facts`).

    Raises:
        AppError: The fact was refused (`LeaseLostError`, `IllegalTransitionError`, …).
    """
    (outcome,) = await write_facts(raw, [fact], rows=None if row is None else {row.task_id: row})
    if isinstance(outcome, AppError):
        raise outcome
    return outcome
