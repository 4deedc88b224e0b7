"""How each kind is mended: one fact each, written under the task's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from core.stages import stages_of
from core.states import ContentStatus, Status
from db.facts import Fact, Update
from db.models import TaskEvent
from db.recorder import record_in
from db.repositories.parts import newest_parts
from workflow.audit_rules import Kind
from workflow.doorbell import reason_for
from workflow.lease import give_up_if_hopeless
from workflow.parts import PARTS
from workflow.recovery import release_row
from workflow.registry import definitions
from workflow.reviews import cancelled_review, newest_review

if TYPE_CHECKING:
    from db.ledger import TaskRow
    from db.session import Transaction
    from workflow.audit_rules import Mend


async def _pair(tx: Transaction, row: TaskRow) -> str | None:
    status = Status(row.status)
    if status is Status.PROCESSING:
        await release_row(tx, row, losses=row.losses)
        return "set to resuming, a worker was asked for"
    steps = stages_of(row.workflow).legal_steps(status)
    step = next(iter(steps)) if len(steps) == 1 else await _step_told(tx, row)
    if step not in steps:
        return None
    await record_in(tx, Fact(task_id=row.task_id, step=step))
    return f"step set to {step}"


async def _step_told(tx: Transaction, row: TaskRow) -> str | None:
    """Return the step that the last event tells, if it tells this status."""
    payload = await tx.session.scalar(
        select(TaskEvent.payload)
        .where(TaskEvent.task_id == row.task_id)
        .order_by(TaskEvent.seq.desc())
        .limit(1)
    )
    if payload is None or payload.get("status") != row.status:
        return None
    return str(payload["current_step"])


async def _last_seq(tx: Transaction, row: TaskRow) -> str | None:
    last = await tx.session.scalar(
        select(func.max(TaskEvent.seq)).where(TaskEvent.task_id == row.task_id)
    )
    await record_in(tx, Fact(task_id=row.task_id, changes={"last_seq": last}))
    return f"counts on from {last}"


async def _freed(tx: Transaction, row: TaskRow) -> str | None:
    if await give_up_if_hopeless(tx, row):
        return "failed: it has lost as many workers as it may"
    await release_row(tx, row, losses=row.losses + 1)
    return "freed, a worker was asked for"


async def _unleased(tx: Transaction, row: TaskRow) -> str | None:
    await record_in(tx, Fact(task_id=row.task_id))  # whoever is not processing holds no lease
    return "lease taken away"


async def _review_closed(tx: Transaction, row: TaskRow) -> str | None:
    review = await newest_review(tx.session, row.task_id)
    await record_in(tx, Fact(task_id=row.task_id, rows=cancelled_review(review)))
    return "review closed as cancelled"


async def _review_asked_anew(tx: Transaction, row: TaskRow) -> str | None:
    await release_row(tx, row, losses=row.losses)
    return "handed to a worker, which opens the review anew"


async def _contents_wait(tx: Transaction, row: TaskRow) -> str | None:
    running = {"task_id": row.task_id, "status": str(ContentStatus.RUNNING)}
    pending = {"status": str(ContentStatus.PENDING)}
    await record_in(tx, Fact(task_id=row.task_id, rows=(Update(PARTS, running, pending),)))
    return "contents wait for their turn again"


async def _recounted(tx: Transaction, row: TaskRow) -> str | None:
    newest = await newest_parts(tx.session, row.task_id)
    made_at = {part.step for part in newest}
    if row.current_step in made_at:
        counted_at = row.current_step
    else:  # the last one that made parts
        order = stages_of(row.workflow).steps
        counted_at = next((step for step in reversed(order) if step in made_at), row.current_step)
    newest = [part for part in newest if part.step == counted_at]
    done = sum(part.status == ContentStatus.COMPLETED for part in newest)
    failed = sum(part.status == ContentStatus.FAILED for part in newest)
    wanted = len(newest) or row.total  # before there are rows, only the step knows how many come
    counted = Fact(task_id=row.task_id, total=wanted, reset_done=done, reset_failed=failed)
    await record_in(tx, counted)
    return f"counted {done} of {wanted}"


async def _percent(tx: Transaction, row: TaskRow) -> str | None:
    # the ledger raises it from here: it never lowers a percentage
    await record_in(tx, Fact(task_id=row.task_id, changes={"percent": 0.0}))
    return "worked out anew"


async def _rung(tx: Transaction, row: TaskRow) -> str | None:
    await record_in(tx, Fact(task_id=row.task_id, rings=reason_for(row)))
    return "a worker was asked for again"


MENDS: Final[dict[str, Mend]] = {
    Kind.ILLEGAL_PAIR: _pair,
    Kind.LAST_SEQ_BEHIND: _last_seq,
    Kind.LEASE_ON_IDLE_TASK: _unleased,
    Kind.LEASE_BROKEN: _freed,
    Kind.WORKER_SILENT: _freed,
    Kind.REVIEW_STRAY: _review_closed,
    Kind.REVIEW_MISSING: _review_asked_anew,
    Kind.CONTENT_RUNNING_UNATTENDED: _contents_wait,
    Kind.PROGRESS_COUNTS: _recounted,
    Kind.PERCENT: _percent,
    Kind.WAITING_LONG: _rung,
}


def mend_of(kind: str) -> Mend | None:
    """Return what mends a kind of finding, if anything does."""
    own = (each.audit.mends.get(kind) for each in definitions())
    return MENDS.get(kind) or next((mend for mend in own if mend is not None), None)
