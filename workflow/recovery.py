"""Brings back what nobody holds: tasks of lost workers, and rows whose ring was lost."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter
from sqlalchemy import and_, func, or_, select, text

from core.errors import TaskExpiredError
from core.logging import get_logger
from core.states import Status, Step
from db.answering import answering
from db.facts import Fact, Reason
from db.ledger import lock_tasks
from db.models import RoadmapTask
from db.recorder import record_in
from db.repositories.leases import expired, held_in
from db.repositories.line_bounds import SILENT_S
from db.session import read_session, transaction
from workflow import turns
from workflow.lease import give_up_if_hopeless
from workflow.outcomes import failure
from workflow.registry import definitions
from workflow.ringing import ring_again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from db.ledger import TaskRow
    from db.session import Transaction

log = get_logger(__name__)

RECOVERED: Final = Counter("roadmap_recovered_total", "Tasks taken from silent workers.")
RUNG_AGAIN: Final = Counter("roadmap_rung_again_total", "Tasks whose ring was lost.")

RING_AFTER: Final = timedelta(seconds=10)
"""A ring is on its way for at most this long; also the slack between clocks of one row."""
LARGEST_SWEEP: Final = 500
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
# The first of an index each: those who wait are the newest, and the planner takes them for spread
# among all that ended, which it would then read through to the first of them.
_LOOK: Final = text(
    """
    SELECT (
            SELECT true FROM roadmap_tasks WHERE status = 'pending'
            ORDER BY user_id, created_at, task_id LIMIT 1
        ) IS NOT NULL OR (
            SELECT true FROM roadmap_tasks WHERE status = 'processing'
            ORDER BY created_at, task_id LIMIT 1
        ) IS NOT NULL AS open,
        EXISTS (
            SELECT FROM workers WHERE seen_at > clock_timestamp() + CAST(:silent AS interval)
        ) AS ahead,
        EXISTS (
            SELECT FROM queue_minutes WHERE minute = date_trunc('minute', clock_timestamp())
        ) AS noted
    """
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """What is known of the queue of rings.

    Attributes:
        depth: Messages in it.
        oldest: When the row of its oldest message was rung; None when that cannot be told.
    """

    depth: int
    oldest: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a look before a sweep found.

    Attributes:
        open: A task waits or runs.
        ahead: A worker was heard of in the future: the database's clock was put back since.
        noted: The figures of this minute are written down.
    """

    open: bool
    ahead: bool
    noted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """What a sweep did."""

    recovered: int = 0
    given_up: int = 0
    rung: int = 0


async def look_around() -> Found:
    """Tell in one question what there is to do: most often nothing, which many would find out."""
    async with read_session() as session:
        found = (await session.execute(_LOOK, {"silent": timedelta(seconds=SILENT_S)})).one()
    return Found(open=found.open, ahead=found.ahead, noted=found.noted)


async def recover(queue: Queue | None) -> Recovery:
    """Free the tasks of silent workers, then ring for whatever waits without a message.

    Safe to run anywhere, any number of times at once: rows are locked, and skipped when locked.

    Args:
        queue: The queue's state, or None when it cannot be asked; then nothing is rung, since
            nothing could be sent either.
    """
    async with read_session() as session:
        silent = await expired(session, limit=LARGEST_SWEEP)
    recovered, given_up = await _free(silent, _is_silent)
    await _end_expired()
    rung = 0 if queue is None else await _ring_again(queue) + await turns.ring_next()
    return Recovery(recovered=recovered, given_up=given_up, rung=rung)


async def free_ended(lives: Sequence[int]) -> int:
    """Free the tasks of processes that ended; return how many there were.

    Whoever sees it may do it, several at once: rows are locked, and skipped when locked.
    """
    async with read_session() as session:
        left = await held_in(session, lives)
    random.shuffle(left)  # several do it at the same moment
    ended = frozenset(lives)
    recovered, _ = await _free(left, lambda row: row.life in ended and row.life_epoch == row.epoch)
    return recovered


def _is_silent(row: TaskRow) -> bool:
    """Tell whether its lease has expired, and not because the database itself did not answer."""
    return not row.leased and answering().steady()


async def _free(task_ids: Iterable[UUID], lost: Callable[[TaskRow], bool]) -> tuple[int, int]:
    """Free tasks whose worker is lost; return how many, and how many were given up."""
    outcomes = [await _free_one(task_id, lost) for task_id in task_ids]
    return outcomes.count(True), outcomes.count(False)


async def _free_one(task_id: UUID, lost: Callable[[TaskRow], bool]) -> bool | None:
    """Free one task of its lost worker: True; give it up: False; not needed any more: None."""
    async with transaction() as tx:
        row = (await lock_tasks(tx.session, [task_id], skip_locked=True)).get(task_id)
        if row is None or row.status != Status.PROCESSING or row.lease_until is None:
            return None
        if not lost(row):
            return None
        if await give_up_if_hopeless(tx, row):
            return False
        await release_row(tx, row, losses=row.losses + 1)
        RECOVERED.inc()
        log.warning(
            "task_freed",
            task_id=str(task_id),
            owner=row.lease_owner,
            losses=row.losses + 1,
            ended=row.leased,
        )
        return True


async def _end_expired() -> None:
    """Fail the tasks that were to have begun by now: the one at the end of the line learns it.

    One of a workflow that is not known here has no step here to fail at: it is left to a process
    that knows it.
    """
    known = [definition.name for definition in definitions()]
    async with read_session() as session:
        late = await session.scalars(
            select(RoadmapTask.task_id)
            .where(
                text("status = 'pending'"),  # spelled out, as in its index
                RoadmapTask.expires_at <= func.clock_timestamp(),
                RoadmapTask.workflow.in_(known),
            )
            .order_by(RoadmapTask.expires_at)
            .limit(LARGEST_SWEEP)
        )
        task_ids = list(late)
    for task_id in task_ids:
        async with transaction() as tx:
            row = (await lock_tasks(tx.session, [task_id], skip_locked=True)).get(task_id)
            if row is not None and row.expired:
                await record_in(tx, failure(row, TaskExpiredError()))


async def release_row(tx: Transaction, row: TaskRow, *, losses: int) -> None:
    """Take a locked task from whoever holds it, fence that one off, and ask for another worker."""
    await record_in(
        tx,
        Fact(
            task_id=row.task_id,
            status=Status.PROCESSING,
            step=Step.RESUMING,
            rings=Reason.RESUME,
            changes={
                "epoch": row.epoch + 1,
                "lease_owner": None,
                "lease_until": None,
                "losses": losses,
                "recovered": True,
            },
        ),
    )


async def _ring_again(queue: Queue) -> int:
    """Ring for rows that wait and have no message in the queue.

    The queue is first in, first out: what was rung before its oldest message was taken out or
    lost. So a row has at most one message in the queue, however long the backlog is; two, when a
    foreign program sent one of its own.
    """
    if queue.depth and queue.oldest is None:
        return 0
    async with read_session() as session:
        now: datetime = (await session.scalars(select(func.clock_timestamp()))).one()
        before, after = _bounds(queue, now)
        waiting = await session.execute(
            select(RoadmapTask.task_id)
            .where(
                text("status IN ('pending', 'processing')"),  # spelled out, as in its index
                RoadmapTask.lease_until.is_(None),
                RoadmapTask.deferred_at.is_(None),  # these are rung for when their turn comes
                or_(
                    RoadmapTask.rung_at < before,
                    RoadmapTask.rung_at > after,
                    and_(RoadmapTask.rung_at.is_(None), RoadmapTask.created_at < before),
                ),
            )
            .order_by(RoadmapTask.rung_at.nulls_first())
            .limit(LARGEST_SWEEP)
        )
        task_ids = [task_id for (task_id,) in waiting]
    rung = await ring_again(
        task_ids, still=lambda row: not before <= (row.rung_at or row.created_at) <= after
    )
    if rung:
        RUNG_AGAIN.inc(rung)
        log.warning("tasks_rung_again", tasks=rung)
    return rung


def _bounds(queue: Queue, now: datetime) -> tuple[datetime, datetime]:
    """Return before and after which a row was rung that has no message in the queue any more.

    None is rung in the future, unless the database's clock was put back since. Then those messages
    are out of the queue as soon as its oldest one is of now.
    """
    oldest = queue.oldest or now
    ahead = now + RING_AFTER
    return min(now, oldest) - RING_AFTER, ahead if oldest <= ahead else _NEVER
