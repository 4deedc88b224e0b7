"""Takes a task over into the version of its workflow that is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.repositories.parts import newest_parts
from db.repositories.tasks import checkpoints
from workflow.checkpoints import checkpoint, finished_steps, forgotten
from workflow.parts import stands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.facts import RowWrite
    from db.ledger import TaskRow
    from workflow.definition import Definition
    from workflow.history import Done


async def current_history(
    session: AsyncSession, row: TaskRow, definition: Definition
) -> tuple[list[Done], tuple[RowWrite, ...]]:
    """Return a locked task's finished steps as this version knows them, and what stores them so.

    Nothing is to be stored when the task is of this version, or the definition leaves those of its
    earlier ones as they are. Parts of steps that are no more are hidden: nobody makes them.

    Raises:
        AppError: They cannot be translated.
    """
    begun = row.started_at is not None
    history = await finished_steps(session, row.task_id) if begun else []
    if row.workflow_version == definition.version:
        return history, ()
    translated = definition.upgraded(history, from_version=row.workflow_version)
    if translated is None:
        return history, ()
    rows = await _rewritten(session, row, definition.version, translated)
    gone = [
        stands(part, hidden=True)
        for part in await newest_parts(session, row.task_id)
        if part.step not in definition.parts
    ]
    return translated, (*rows, *gone)


async def _rewritten(
    session: AsyncSession, row: TaskRow, version: int, translated: Sequence[Done]
) -> tuple[RowWrite, ...]:
    """Return what puts the translated steps in the place of those that are stored."""
    stored = {each.position: each for each in await checkpoints(session, row.task_id)}
    gone = tuple(forgotten(row.task_id, position) for position in stored)
    columns = {"calls", "tokens", "prompt_tokens", "completion_tokens", "cost", "created_at"}
    new = []
    for done in translated:
        before = stored.get(done.origin) if done.origin is not None else None
        kept = {} if before is None else {name: getattr(before, name) for name in columns}
        new.append(checkpoint(row.task_id, done, version=version, **kept))
    return (*gone, *new)
