"""Mends what is safe to mend, by the same writers that the workflow uses, each task on its own.

Under the lock of the task's row it is looked at again, so a finding that was mended meanwhile is
left alone and a second repair does nothing. Events and contents are never invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, exists, select

from core.errors import AppError
from core.logging import get_logger
from db.ledger import lock_tasks
from db.models import Notification, RoadmapTask
from db.session import retrying, transaction
from workflow.audit.examine import look
from workflow.audit.mends import mend_of
from workflow.audit_rules import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from workflow.audit.kinds import Finding

log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mended:
    """A finding that is none any more, and what was done about it."""

    finding: Finding
    did: str


async def repair(findings: Iterable[Finding]) -> tuple[list[Mended], list[Finding]]:
    """Mend what can be mended of some findings; return what was mended and what is left."""
    mended: list[Mended] = []
    left: list[Finding] = []
    orphaned = [f for f in findings if f.kind in _ORPHANED]
    for finding in orphaned:
        if finding.kind == Kind.ORPHANED_NOTIFICATION:
            mended += await _delete_notifications(finding)
        else:
            left.append(finding)
    for task_id in dict.fromkeys(f.key for f in findings if f.kind not in _ORPHANED):
        done, rest = await retrying(partial(_repair_task, task_id))
        mended += done
        left += rest
    for entry in mended:
        log.warning(
            "audit_finding_mended",
            task_id=str(entry.finding.key),
            kind=entry.finding.kind,
            did=entry.did,
        )
    return mended, left


_ORPHANED: Final = frozenset({Kind.ORPHAN, Kind.ORPHANED_NOTIFICATION})


async def _repair_task(task_id: UUID) -> tuple[list[Mended], list[Finding]]:
    mended = []
    async with transaction() as tx:
        if task_id not in await lock_tasks(tx.session, [task_id]):
            return [], []
        for finding in await look(tx.session, [task_id]):
            mend = mend_of(finding.kind)
            if mend is None:
                continue
            row = (await lock_tasks(tx.session, [task_id]))[task_id]
            try:
                did = await mend(tx, row)
            except (AppError, ValueError) as error:  # a status that is none of ours
                log.info("audit_mend_refused", task_id=str(task_id), reason=str(error))
                continue
            if did is not None:
                mended.append(Mended(finding=finding, did=did))
        left = await look(tx.session, [task_id])
    still = {(finding.kind, finding.key) for finding in left}
    return [m for m in mended if (m.finding.kind, m.finding.key) not in still], left


async def _delete_notifications(finding: Finding) -> list[Mended]:
    async with transaction() as tx:
        gone = await tx.session.execute(
            delete(Notification)
            .where(Notification.task_id == finding.key)
            .where(~exists(select(1).where(RoadmapTask.task_id == finding.key)))
            .returning(Notification.notification_id)
        )
        count = len(gone.all())
    return [Mended(finding=finding, did=f"deleted {count} notifications")] if count else []
