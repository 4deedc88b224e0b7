"""The durable event log: pages of it, and where it ends, each in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, select

from core.errors import NotFoundError
from core.states import TERMINAL, Status
from db.models import RoadmapTask, TaskEvent
from db.session import read_session

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from core.actor import Actor


@dataclass(frozen=True, kw_only=True, slots=True)
class LogState:
    """Where a task's log ends.

    Attributes:
        last_seq: Number of the newest event.
        terminal: The task ended; only a retry would add more.
        owner: Whose task it is.
    """

    last_seq: int
    terminal: bool
    owner: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPage(LogState):
    """Some events in order, and where the log ended when they were read."""

    events: list[dict[str, Any]]


def _state(status: str, last_seq: int, owner: str) -> LogState:
    return LogState(last_seq=last_seq, terminal=Status(status) in TERMINAL, owner=owner)


async def log_page(task_id: UUID, *, after: int, limit: int = 500) -> LogPage | None:
    """Return the events after a number, and the state they belong to; None without the task.

    It is one statement, hence one snapshot: status, `last_seq` and events fit together.
    """
    statement = (
        select(
            RoadmapTask.status,
            RoadmapTask.last_seq,
            RoadmapTask.user_id,
            TaskEvent.payload,
            TaskEvent.seq,
            TaskEvent.type,
        )
        .outerjoin(TaskEvent, and_(TaskEvent.task_id == RoadmapTask.task_id, TaskEvent.seq > after))
        .where(RoadmapTask.task_id == task_id)
        .order_by(TaskEvent.seq)
        .limit(limit)
    )
    async with read_session() as session:
        rows = (await session.execute(statement)).all()
    if not rows:
        return None
    state = _state(*rows[0][:3])
    return LogPage(
        last_seq=state.last_seq,
        terminal=state.terminal,
        owner=state.owner,
        events=[_event(task_id, *row[3:]) for row in rows if row[4] is not None],
    )


def _event(task_id: UUID, payload: Any, seq: int, event_type: str) -> dict[str, Any]:
    """Return an event; one that somebody has broken keeps its place, or viewers ended there."""
    stored: dict[str, Any] = payload if isinstance(payload, dict) else {}
    if stored.get("seq") == seq and stored.get("type") == event_type:
        return stored
    return stored | {"seq": seq, "type": event_type, "task_id": str(task_id)}


async def log_state(task_id: UUID, *, after: int, actor: Actor) -> tuple[LogState, bool]:
    """Return where a task's log ends and whether it holds anything after a number.

    Raises:
        NotFoundError: There is no such task, or it belongs to somebody else.
    """
    more = exists().where(TaskEvent.task_id == RoadmapTask.task_id, TaskEvent.seq > after)
    statement = select(RoadmapTask.status, RoadmapTask.last_seq, RoadmapTask.user_id, more).where(
        RoadmapTask.task_id == task_id
    )
    async with read_session() as session:
        row = (await session.execute(statement)).one_or_none()
    if row is None or not actor.may_see(row[2]):
        raise NotFoundError(f"There is no task {task_id}.")
    return _state(*row[:3]), bool(row[3])


async def log_states(task_ids: Iterable[UUID]) -> dict[UUID, LogState]:
    """Return where the logs of many tasks end, in one statement."""
    statement = select(
        RoadmapTask.task_id, RoadmapTask.status, RoadmapTask.last_seq, RoadmapTask.user_id
    ).where(RoadmapTask.task_id.in_(list(task_ids)))
    async with read_session() as session:
        rows = (await session.execute(statement)).all()
    return {row[0]: _state(*row[1:]) for row in rows}
