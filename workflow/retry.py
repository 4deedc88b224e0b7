"""Retries what failed of a task, and writes contents anew that somebody asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import ConflictError, InvalidRequestError, NotFoundError
from core.ids import new_id
from core.states import RETRYABLE, TERMINAL, ContentKind, ContentStatus, Status, Step
from db.facts import Fact, Insert, Reason
from db.ledger import lock_tasks
from db.models import Concept
from db.recorder import record_in
from db.repositories.tasks import failed_contents, newest_contents
from db.session import Transaction, transaction
from notifications.events import EventType, RetryData
from workflow.contents import CONTENTS, pending_again
from workflow.drafts import counted, draft
from workflow.ownership import lock_owned
from workflow.queries.roadmaps import visible_roadmap
from workflow.quotas import check_retries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.ledger import TaskRow
    from workflow.actor import Actor


async def retry_task(task_id: UUID, *, actor: Actor) -> None:
    """Go on with a task that ended without completing.

    A failed task continues at the step that failed, a partial failure makes only its failed
    contents anew, a cancelled one goes on where it stopped.

    Raises:
        NotFoundError: No such task for this actor.
        ConflictError: It is not failed, partly failed or cancelled.
    """
    async with transaction() as tx:
        row = await lock_owned(tx, task_id, actor)
        status = Status(row.status)
        if status not in RETRYABLE:
            raise ConflictError(f"The task is {status}; only one that failed can be retried.")
        if (row.error or {}).get("code") == InvalidRequestError.code:
            raise ConflictError("The request itself is not valid; send a corrected one instead.")
        newest = await newest_contents(tx.session, row.roadmap_id) if row.roadmap_id else []
        failed = await failed_contents(tx.session, [row.roadmap_id]) if newest else []
        left = sum(content.status != ContentStatus.COMPLETED for content in newest)
        await _go_on(
            tx,
            row,
            message="Everything that is left is tried again"
            if not left
            else f"{counted(left, 'content')} will be written",
            contents=left,
            rows=tuple(pending_again(c.content_id, c.input_digest) for c, _ in failed),
            failed=-len(failed),
        )


async def regenerate(
    roadmap_id: UUID, concept_id: UUID, kinds: Sequence[ContentKind], *, actor: Actor
) -> UUID:
    """Write contents of one concept anew, as new versions; the old ones stay readable meanwhile.

    Returns:
        The task that does it.

    Raises:
        NotFoundError: No such roadmap or concept for this actor.
        ConflictError: The task is still running.
    """
    async with transaction() as tx:
        task_id = (await visible_roadmap(tx.session, roadmap_id, actor)).task_id
        row = (await lock_tasks(tx.session, [task_id]))[task_id]
        concept = await tx.session.get(Concept, concept_id)
        if concept is None or concept.roadmap_id != roadmap_id or concept.removed:
            raise NotFoundError(f"The roadmap has no concept {concept_id}.")
        if Status(row.status) not in {Status.COMPLETED, Status.PARTIAL_FAILURE}:
            advice = (
                "retry it first"
                if Status(row.status) in TERMINAL
                else "regenerate when it has ended"
            )
            raise ConflictError(f"The task is {row.status}; {advice}.")
        newest = {
            content.kind: content
            for content in await newest_contents(tx.session, roadmap_id)
            if content.concept_id == concept_id
        }
        rows = []
        redone = 0
        for kind in dict.fromkeys(kinds):
            content = newest[str(kind)]
            if content.status == ContentStatus.FAILED:
                rows.append(pending_again(content.content_id, content.input_digest))
                continue
            redone += 1
            values = {
                "content_id": new_id(),
                "roadmap_id": roadmap_id,
                "concept_id": concept_id,
                "kind": str(kind),
                "version": content.version + 1,
                "status": str(ContentStatus.PENDING),
                "input_digest": content.input_digest,
            }
            rows.append(Insert(CONTENTS, values))
        await _go_on(
            tx,
            row,
            message=f"{counted(len(rows), 'content')} of '{concept.title}' will be written anew",
            contents=len(rows),
            rows=tuple(rows),
            done=-redone,
            failed=redone - len(rows),
        )
        return task_id


async def _go_on(
    tx: Transaction,
    row: TaskRow,
    *,
    message: str,
    contents: int,
    rows: tuple[Any, ...],
    done: int = 0,
    failed: int = 0,
) -> None:
    """Begin another attempt of a task that has ended."""
    await check_retries(tx.session, row.task_id)
    attempt = row.attempt + 1
    await record_in(
        tx,
        Fact(
            task_id=row.task_id,
            status=Status.PROCESSING,
            step=Step.RESUMING,
            done=done,
            failed=failed,
            rings=Reason.RETRY,
            changes={"attempt": attempt, "losses": 0, "recovered": False},
            rows=rows,
            events=(
                draft(
                    EventType.TASK_RETRIED,
                    message,
                    RetryData(attempt=attempt, contents=contents),
                ),
            ),
        ),
    )
