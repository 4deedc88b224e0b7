"""The checkpoints of a task: a row for each finished step, written, taken away and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from db.facts import Delete, Insert
from db.models import Checkpoint
from db.repositories.tasks import checkpoints
from workflow.history import Done
from workflow.stored import reading

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncSession

CHECKPOINTS: Final = cast("Table", Checkpoint.__table__)


def checkpoint(task_id: UUID, done: Done, *, version: int, **spent: Any) -> Insert:
    """Return what keeps a finished step.

    Args:
        task_id: The task.
        done: The step, and what it gave.
        version: The version of the workflow by which it was done.
        spent: What it cost, by column.
    """
    values = {
        "task_id": task_id,
        "position": done.position,
        "step": done.step,
        "workflow_version": version,
        "input_digest": done.input_digest,
        "output": done.output,
    }
    return Insert(CHECKPOINTS, {**values, **spent})


def forgotten(task_id: UUID, position: int) -> Delete:
    """Return what takes a checkpoint away, so that its step runs again."""
    return Delete(CHECKPOINTS, {"task_id": task_id, "position": position})


async def finished_steps(session: AsyncSession, task_id: UUID) -> list[Done]:
    """Return a task's history.

    Raises:
        UnreadableRecordError: A step of it gave something unusable.
    """
    return history_of(await checkpoints(session, task_id))


def history_of(stored: Iterable[Any]) -> list[Done]:
    """Return a task's history, made of its checkpoints in their order.

    Raises:
        UnreadableRecordError: A step of it gave something unusable.
    """
    with reading("its finished steps"):
        return [
            Done(
                position=each.position,
                step=each.step,
                input_digest=each.input_digest,
                output=dict(each.output),
            )
            for each in stored
        ]
