"""Writes facts: the one place where status, percent, sequence numbers and events are written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, update

from core.errors import AppError, IllegalTransitionError, LeaseLostError, NotFoundError
from core.stages import stages_of
from core.states import TERMINAL, Status, Step, can_move
from core.usage import Usage
from db.facts import NOW, Delete, Fact, Insert, Recorded, RowWrite, Update
from db.models import RoadmapTask, TaskEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncSession

TASKS: Final = cast("Table", RoadmapTask.__table__)
EVENTS: Final = cast("Table", TaskEvent.__table__)
_MUTABLE: Final = tuple(
    column.name
    for column in TASKS.columns
    if column.name not in {"task_id", "user_id", "workflow", "goal", "request", "created_at"}
    and column.name not in {"workflow_version", "idempotency_key", "request_digest"}
    and column.name != "asks_review"
)


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
    conditions: list[ColumnElement[bool]] = [TASKS.c.task_id.in_(list(task_ids))]
    if owner is not None:
        conditions.append(TASKS.c.user_id == owner)
    statement = (
        select(TASKS, func.clock_timestamp().label("_now"))
        .where(*conditions)
        .order_by(TASKS.c.task_id)
        .with_for_update(key_share=True, skip_locked=skip_locked)
    )
    rows = (await session.execute(statement)).mappings()
    locked: dict[UUID, TaskRow] = {}
    for row in rows:
        values = dict(row)
        now = values.pop("_now")
        locked[values["task_id"]] = TaskRow(values, now)
    return locked


async def was_committed(
    session: AsyncSession, facts: Sequence[Fact], outcomes: Sequence[Recorded | AppError]
) -> bool:
    """Tell whether a transaction that wrote these outcomes was committed, its reply lost.

    One event of it tells for all. Its transaction id would not: PostgreSQL gives an id that a crash
    took back to somebody else. Facts without any event must bear to be written twice.
    """
    # a transaction that has neither committed nor aborted yet still holds these locks
    await lock_tasks(session, {fact.task_id for fact in facts})
    for outcome in outcomes:
        if isinstance(outcome, Recorded) and outcome.events:
            event = outcome.events[0]
            stored = await session.scalar(
                select(EVENTS.c.created_at).where(
                    EVENTS.c.task_id == UUID(event["task_id"]), EVENTS.c.seq == event["seq"]
                )
            )
            return bool(stored == outcome.at)
    return False


async def write_facts(session: AsyncSession, facts: Sequence[Fact]) -> list[Recorded | AppError]:
    """Write facts in the session's transaction; the caller commits.

    Returns:
        For each fact what was recorded, or why it was refused; a refused one writes nothing and
        does not hinder the others.

    Raises:
        DBAPIError: The database refused the transaction, and with it all facts.
    """
    rows = await lock_tasks(session, {fact.task_id for fact in facts})
    outcomes: list[Recorded | AppError] = []
    events: list[dict[str, Any]] = []
    touched: set[UUID] = set()
    writes: list[RowWrite] = []
    for fact in facts:
        row = rows.get(fact.task_id)
        try:
            if row is None:
                raise NotFoundError(f"There is no task {fact.task_id}.")
            _check(row, fact)
        except AppError as error:
            outcomes.append(error)
            continue
        _change(row, fact)
        payloads = tuple(_payload(row, draft) for draft in fact.events)
        events += [
            {
                "task_id": fact.task_id,
                "seq": p["seq"],
                "type": p["type"],
                "payload": p,
                "created_at": row.now,
            }
            for p in payloads
        ]
        writes += fact.rows
        touched.add(fact.task_id)
        outcomes.append(
            Recorded(
                task_id=fact.task_id,
                workflow=row.workflow,
                user_id=row.user_id,
                events=payloads,
                rows=fact.rows,
                rings=fact.rings,
                at=row.now,
            )
        )
    if touched:
        # sorted as they were locked; all mutable columns, so that it is one prepared statement
        await session.execute(
            update(TASKS)
            .where(TASKS.c.task_id == bindparam("b_task_id"))
            .values({name: bindparam(f"b_{name}") for name in _MUTABLE}),
            [
                {f"b_{name}": rows[key].values[name] for name in ("task_id", *_MUTABLE)}
                for key in sorted(touched)
            ],
        )
    if writes:
        await _write_rows(session, writes, now=max(row.now for row in rows.values()))
    if events:
        await session.execute(insert(EVENTS), events)
    return outcomes


async def write_fact(session: AsyncSession, fact: Fact) -> Recorded:
    """Write one fact in the session's transaction.

    Raises:
        AppError: The fact was refused (`LeaseLostError`, `IllegalTransitionError`, …).
    """
    (outcome,) = await write_facts(session, [fact])
    if isinstance(outcome, AppError):
        raise outcome
    return outcome


def _check(row: TaskRow, fact: Fact) -> None:
    if fact.epoch is not None and (
        fact.epoch != row.epoch or row.status != Status.PROCESSING or row.lease_owner is None
    ):
        raise LeaseLostError(
            f"Task {fact.task_id} is held under epoch {row.epoch} ({row.status}),"
            f" not {fact.epoch}.",
        )
    before = Status(row.status)
    after = fact.status or before
    step = fact.step or row.current_step
    moved = fact.status is not None and not can_move(before, after)
    if moved or not stages_of(row.workflow).is_legal(after, step):
        raise IllegalTransitionError(
            f"Task {fact.task_id} cannot go from {before}/{row.current_step} to {after}/{step}."
        )


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
    values["done"] = max(0, values["done"] + fact.done)
    values["failures"] = max(0, values["failures"] + fact.failed)
    values["step_ended"] = max(0, values["step_ended"] + fact.done + fact.failed)
    if fact.begins:
        values["step_began_at"], values["step_ended"] = row.now, 0
    values.update((Usage.of(row) + fact.usage).columns())
    if fact.rings is not None:
        values["rung_at"], values["deferred_at"] = row.now, None
    if fact.progressed:
        values["losses"] = 0
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


def _payload(row: TaskRow, draft: Any) -> dict[str, Any]:
    row.values["last_seq"] += 1
    return {
        "seq": row.last_seq,
        "task_id": str(row.task_id),
        "type": str(draft.type),
        "at": timestamp(row.now),
        "status": row.status,
        "current_step": row.current_step,
        "message": draft.message,
        "progress": {"done": row.done, "total": row.total, "percent": row.percent},
        "data": dict(draft.data),
    }


def timestamp(moment: datetime) -> str:
    """Return a time as events and the API show it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _write_rows(session: AsyncSession, writes: Sequence[RowWrite], *, now: datetime) -> None:
    """Write rows with one statement for each table and shape, in order of first appearance."""
    groups: dict[Any, list[RowWrite]] = defaultdict(list)
    for write in writes:
        shape = (
            type(write),
            write.table.name,
            tuple(sorted(getattr(write, "where", ()))),
            tuple(sorted(getattr(write, "values", ()))),
        )
        groups[shape].append(write)
    for group in groups.values():
        await session.execute(_statement(group[0]), [_parameters(write, now) for write in group])


def _statement(write: RowWrite) -> Any:
    if isinstance(write, Insert):
        return insert(write.table)
    where = [write.table.c[name] == bindparam(f"where_{name}") for name in write.where]
    if isinstance(write, Delete):
        return delete(write.table).where(*where)
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in write.values}
    return update(write.table).where(*where).values(values)


def _parameters(write: RowWrite, now: datetime) -> dict[str, Any]:
    if isinstance(write, Insert):
        return {name: now if value is NOW else value for name, value in write.values.items()}
    parameters = {f"where_{name}": value for name, value in write.where.items()}
    if isinstance(write, Update):
        for name, value in write.values.items():
            parameters[f"new_{name}"] = now if value is NOW else value
    return parameters
