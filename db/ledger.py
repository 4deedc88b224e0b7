"""Writes facts: the one place where status, percent, sequence numbers and events are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from core.errors import AppError, IllegalTransitionError, LeaseLostError, NotFoundError
from core.stages import stages_of
from core.states import TERMINAL, Status, Step, can_move
from core.usage import COLUMNS as USAGE_COLUMNS
from core.usage import NOTHING
from db.facts import Recorded
from db.models import RoadmapTask, TaskEvent
from db.raw import known_errors, raw_of
from db.row_statements import change, insertion, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncSession

    from db.facts import EventDraft, Fact, RowWrite
    from db.raw import Raw

TASKS: Final = cast("Table", RoadmapTask.__table__)
EVENTS: Final = cast("Table", TaskEvent.__table__)
_MUTABLE: Final = tuple(
    column.name
    for column in TASKS.columns
    if column.name not in {"task_id", "user_id", "workflow", "goal", "request", "created_at"}
    and column.name not in {"idempotency_key", "request_digest"}
    and column.name != "asks_review"
)
_COUNTED: Final = (
    *("losses", "last_seq", "done", "percent", "failures", "step_ended", "updated_at"),
    *USAGE_COLUMNS,
)
"""What facts change that only tell how far a step is: nearly all are such."""
_LOOKED_AT: Final = ("status", "current_step", "epoch", "lease_owner", "total")
"""What they look at beside that."""
_NAMED: Final = ("task_id", "user_id", "workflow")


def _locking(*columns: str) -> str:
    return f"""
        SELECT {", ".join(columns)}, clock_timestamp() AS _now
        FROM roadmap_tasks WHERE task_id = ANY($1::uuid[])
        ORDER BY task_id FOR NO KEY UPDATE
    """  # noqa: S608 - names of our own columns


# the parts of the row that facts look at; the request, which may be long, is not among them
_LOCK: Final = _locking(*_NAMED, *_MUTABLE)
_LOCK_COUNTED: Final = _locking(*_NAMED, *_LOOKED_AT, *_COUNTED)
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
    """Lock tasks' rows until the transaction ends, always in the order of their ids.

    The same order everywhere is what keeps writers of many tasks from deadlocking.

    Args:
        session: The transaction.
        task_ids: The tasks; those that are not there are left out.
        owner: Only this user's; other rows are neither locked nor waited for.
        skip_locked: Leave out what somebody else holds, instead of waiting for it.
    """
    raw = await raw_of(session)
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
        count = rows is None and all(map(_only_counts, facts))
        if rows is None:
            ids = {fact.task_id for fact in facts}
            rows = _task_rows(await raw.fetch(_LOCK_COUNTED if count else _LOCK, list(ids)))
        batch = _Batch(_COUNTED if count else _MUTABLE)
        outcomes = [batch.take(rows.get(fact.task_id), fact) for fact in facts]
        await batch.write(raw, rows)
        return outcomes


def _task_rows(records: Iterable[Mapping[str, Any]]) -> dict[UUID, TaskRow]:
    rows = {}
    for record in records:
        values = dict(record)
        rows[values["task_id"]] = TaskRow(values, values.pop("_now"))
    return rows


class _Batch:
    """What facts that go into one transaction change, add and tell."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._touched: set[UUID] = set()
        self._writes: list[RowWrite] = []
        self._events: list[tuple[Any, ...]] = []

    def take(self, row: TaskRow | None, fact: Fact) -> Recorded | AppError:
        """Change the row as a fact says, or say why it is refused."""
        try:
            if row is None:
                raise NotFoundError(f"There is no task {fact.task_id}.")
            _check(row, fact)
        except AppError as error:
            return error
        if _only_counts(fact):
            _count(row, fact)
        else:
            _change(row, fact)
        payloads = _payloads(row, fact.events)
        self._events += [(fact.task_id, p["seq"], p["type"], p, row.now) for p in payloads]
        self._writes += fact.rows
        self._touched.add(fact.task_id)
        return Recorded(
            task_id=fact.task_id,
            workflow=row.values["workflow"],
            user_id=row.values["user_id"],
            events=payloads,
            rows=fact.rows,
            rings=fact.rings,
            at=row.now,
        )

    async def write(self, raw: Raw, rows: Mapping[UUID, TaskRow]) -> None:
        """Write all that was taken."""
        if self._touched:
            # sorted as they were locked; always the same columns: these are prepared statements
            changed = [rows[key].values for key in sorted(self._touched)]
            names = ("task_id", *self._columns)
            tasks = change(TASKS, ("task_id",), self._columns)
            await tasks.run(raw, [[v[name] for name in names] for v in changed])
        if self._writes:
            now = max(row.now for row in rows.values())
            await write_rows(raw, self._writes, now=now)
        if self._events:
            columns = ("task_id", "seq", "type", "payload", "created_at")
            await insertion(EVENTS, columns).run(raw, self._events)


async def write_fact(raw: Raw, fact: Fact, *, row: TaskRow | None = None) -> Recorded:
    """Write one fact in the connection's transaction (`write_facts`).

    Raises:
        AppError: The fact was refused (`LeaseLostError`, `IllegalTransitionError`, …).
    """
    (outcome,) = await write_facts(raw, [fact], rows=None if row is None else {row.task_id: row})
    if isinstance(outcome, AppError):
        raise outcome
    return outcome


def _only_counts(fact: Fact) -> bool:
    """Tell whether a fact of the worker that has the task changes nothing but `_COUNTED`."""
    return (
        fact.epoch is not None
        and fact.status is None
        and fact.step is None
        and fact.total is None
        and not fact.begins
        and fact.rings is None
        and not fact.changes
    )


def _check(row: TaskRow, fact: Fact) -> None:
    values = row.values
    if fact.epoch is not None and (
        fact.epoch != values["epoch"]
        or values["status"] != Status.PROCESSING
        or values["lease_owner"] is None
    ):
        raise LeaseLostError(
            f"Task {fact.task_id} is held under epoch {row.epoch} ({row.status}),"
            f" not {fact.epoch}.",
        )
    before, current = Status(values["status"]), values["current_step"]
    after = fact.status or before
    step = fact.step or current
    moved = fact.status is not None and not can_move(before, after)
    if moved or not stages_of(values["workflow"]).is_legal(after, step):
        raise IllegalTransitionError(
            f"Task {fact.task_id} cannot go from {before}/{current} to {after}/{step}."
        )


def _count(row: TaskRow, fact: Fact) -> None:
    """Change a row whose task stays where it is."""
    values = row.values
    _add(values, fact)
    if fact.done:
        now_at = stages_of(values["workflow"]).percent(
            Status.PROCESSING, values["current_step"], done=values["done"], total=values["total"]
        )
        values["percent"] = max(values["percent"], now_at)
    values["updated_at"] = row.now


def _add(values: dict[str, Any], fact: Fact) -> None:
    """Add up what ended, and what it cost."""
    values["done"] = max(0, values["done"] + fact.done)
    values["failures"] = max(0, values["failures"] + fact.failed)
    values["step_ended"] = max(0, values["step_ended"] + fact.done + fact.failed)
    if fact.usage is not NOTHING:
        fact.usage.add_to(values)
    if fact.progressed:
        values["losses"] = 0


def _change(row: TaskRow, fact: Fact) -> None:
    values = row.values
    new_attempt = fact.changes.get("attempt", values["attempt"]) != values["attempt"]
    values.update(fact.changes)
    status = Status(fact.status or values["status"])
    step = str(fact.step or values["current_step"])
    values["status"], values["current_step"] = str(status), str(step)
    if fact.total is not None:
        values["total"], values["done"] = fact.total, fact.reset_done
        values["failures"] = fact.reset_failed
    _add(values, fact)
    if fact.begins:
        values["step_began_at"], values["step_ended"] = row.now, 0
    if fact.rings is not None:
        values["rung_at"], values["deferred_at"] = row.now, None
    stages, counted = stages_of(row.workflow), {"done": values["done"], "total": values["total"]}
    if new_attempt and step == Step.RESUMING:  # a retry starts from what is done already
        now_at = stages.retried_percent(**counted)
    else:
        now_at = stages.percent(status, step, **counted)
    values["percent"] = now_at if new_attempt else max(values["percent"], now_at)
    if status in TERMINAL:
        values["finished_at"] = values["finished_at"] or row.now
    else:
        values["finished_at"] = None
        values["error"] = None
    if status is not Status.PROCESSING:
        values["lease_owner"] = values["lease_until"] = None
    values["updated_at"] = row.now


def _payloads(row: TaskRow, drafts: Sequence[EventDraft]) -> tuple[dict[str, Any], ...]:
    """Return the events of a fact, once its row is changed."""
    values, told = row.values, []
    for draft in drafts:
        values["last_seq"] += 1
        told.append(
            {
                "seq": values["last_seq"],
                "task_id": str(values["task_id"]),
                "type": str(draft.type),
                "at": timestamp(row.now),
                "status": values["status"],
                "current_step": values["current_step"],
                "message": draft.message,
                "progress": {name: values[name] for name in ("done", "total", "percent")},
                "data": dict(draft.data),
            }
        )
    return tuple(told)


def timestamp(moment: datetime) -> str:
    """Return a time as events and the API show it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
