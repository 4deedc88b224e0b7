"""What is done again: after a failure only what failed, on request a part of one's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import ConflictError, InvalidRequestError, NotFoundError
from core.ids import new_id
from core.states import RETRYABLE, TERMINAL, ContentStatus, Status, Step
from db.facts import Fact, Insert, Reason, RowWrite
from db.recorder import record_in
from db.repositories.parts import newest_parts
from db.session import Transaction, transaction
from notifications.events import EventType, RetryData
from workflow.checkpoints import finished_steps, forgotten
from workflow.drafts import counted, draft
from workflow.history import kept
from workflow.owners import lock_owned
from workflow.parts import PARTS, pending_again
from workflow.quotas import check_retries
from workflow.registry import definition_of
from workflow.step import PartsStep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from core.actor import Actor
    from db.ledger import TaskRow
    from db.models import Part


async def retry_task(task_id: UUID, *, actor: Actor) -> None:
    """Go on with a task that ended without completing.

    A failed task continues at the step that failed, a partial failure makes only its failed
    parts anew, a cancelled one goes on where it stopped.

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
        newest = await newest_parts(tx.session, task_id)
        failed = [part for part in newest if part.status == ContentStatus.FAILED]
        left = sum(part.status != ContentStatus.COMPLETED for part in newest)
        again = await _steps_again(tx, row, {part.step for part in failed})
        await _go_on(
            tx,
            row,
            message="Everything that is left is tried again"
            if not left
            else f"{counted(left, _noun(row, newest))} will be written",
            parts=left,
            rows=(*(pending_again(p.content_id, p.input_digest) for p in failed), *again),
            failed=-len(failed),
        )


async def remake(
    task_id: UUID,
    step: str,
    key: str,
    kinds: Sequence[str] = (),
    *,
    actor: Actor,
    instruction: str | None = None,
) -> None:
    """Make parts of one key anew, as new versions; the old ones stay readable meanwhile.

    Args:
        task_id: The task.
        step: The step that makes them.
        key: Names them within the step.
        kinds: Which of them; all when empty.
        actor: Who asks.
        instruction: What is to be different, for whoever makes them.

    Raises:
        NotFoundError: No such task for this actor, or no such part in it.
        ConflictError: The task is still running.
    """
    async with transaction() as tx:
        row = await lock_owned(tx, task_id, actor)
        if Status(row.status) not in {Status.COMPLETED, Status.PARTIAL_FAILURE}:
            advice = (
                "retry it first"
                if Status(row.status) in TERMINAL
                else "regenerate when it has ended"
            )
            raise ConflictError(f"The task is {row.status}; {advice}.")
        newest = {
            part.kind: part
            for part in await newest_parts(tx.session, task_id, step=step)
            if part.key == key
        }
        if not newest:
            raise NotFoundError(f"The task has no part {key!r} at {step}.")
        definition = definition_of(row.workflow)
        made = definition.parts.get(step)
        if made is None:
            raise ConflictError(
                f"Version {definition.version} of {row.workflow!r} has no step {step!r} that could"
                " make it anew."
            )
        wanted = tuple(dict.fromkeys(str(kind) for kind in kinds)) or tuple(newest)
        if unknown := sorted(set(wanted) - newest.keys() - set(made.kinds)):
            there = ", ".join(sorted(newest.keys() | set(made.kinds)))
            raise InvalidRequestError(
                f"The part {key!r} has no kind {', '.join(unknown)}; its kinds are {there}.",
            )
        sample = next(iter(newest.values()))
        rows = [_anew(newest.get(kind), kind, sample, instruction) for kind in wanted]
        redone = sum(
            kind in newest and newest[kind].status != ContentStatus.FAILED for kind in wanted
        )
        failed = sum(
            kind in newest and newest[kind].status == ContentStatus.FAILED for kind in wanted
        )
        noun = made.noun
        await _go_on(
            tx,
            row,
            message=f"{counted(len(rows), noun)} of '{sample.title}' will be written anew",
            parts=len(rows),
            rows=(*rows, *await _steps_again(tx, row, {step})),
            done=-redone,
            failed=-failed,
        )


def _anew(part: Part | None, kind: str, sample: Part, instruction: str | None) -> RowWrite:
    """Return what makes a part wait: the failed one again, or a new version.

    Args:
        part: The newest version; None when the key was made before there was such a kind.
        kind: Which kind.
        sample: A part of the same key, for what they have in common.
        instruction: What is to be different.
    """
    if part is not None and part.status == ContentStatus.FAILED:
        return pending_again(part.content_id, part.input_digest, instruction=instruction)
    values = {
        "content_id": new_id(),
        "task_id": sample.task_id,
        "step": sample.step,
        "key": sample.key,
        "title": sample.title,
        "position": (part or sample).position,
        "roadmap_id": sample.roadmap_id,
        "concept_id": sample.concept_id,
        "kind": kind,
        "version": 1 if part is None else part.version + 1,
        "status": str(ContentStatus.PENDING),
        "input_digest": "" if part is None else part.input_digest,
        "instruction": instruction,
    }
    return Insert(PARTS, values)


async def _steps_again(tx: Transaction, row: TaskRow, steps: set[str]) -> list[RowWrite]:
    """Return what forgets steps that make parts, and all after them, so that they run again."""
    done = await finished_steps(tx.session, row.task_id)
    definition = definition_of(row.workflow)
    same = row.workflow_version == definition.version
    stays = definition.kept(done, steps) if same else kept(done, steps)
    return [forgotten(row.task_id, each.position) for each in done[stays:]]


async def _go_on(
    tx: Transaction,
    row: TaskRow,
    *,
    message: str,
    parts: int,
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
                    RetryData(attempt=attempt, contents=parts),
                ),
            ),
        ),
    )


def _noun(row: TaskRow, parts: Sequence[Part]) -> str:
    """Return what the parts of a task are called."""
    made = definition_of(row.workflow).parts.get(parts[0].step)
    return PartsStep.noun if made is None else made.noun
