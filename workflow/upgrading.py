"""Takes a task over into the version of its workflow that is known here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from core.states import ContentStatus
from db.repositories.parts import newest_parts
from db.repositories.tasks import checkpoints
from workflow.checkpoints import checkpoint, finished_steps, forgotten
from workflow.outcomes import nothing_runs
from workflow.parts import stands

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.facts import RowWrite
    from db.ledger import TaskRow
    from db.models import Part
    from workflow.definition import Definition
    from workflow.history import Done


@dataclass(frozen=True, kw_only=True, slots=True)
class Upgrade:
    """What stores a task as this version knows it.

    Attributes:
        rows: Its steps and parts.
        counts: Of a `Fact`: how many parts are left, where some are hidden; they counted before.
    """

    rows: tuple[RowWrite, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)


NONE: Final = Upgrade()


async def current_history(
    session: AsyncSession, row: TaskRow, definition: Definition
) -> tuple[list[Done], Upgrade]:
    """Return a locked task's finished steps as this version knows them, and what stores them so.

    Nothing is to be stored when the task is of this version, or the definition leaves those of its
    earlier ones as they are. Parts of steps that are no more are hidden: nobody makes them. Those
    that were being made wait: who knows whether their step is the next one.

    Raises:
        AppError: They cannot be translated.
    """
    begun = row.started_at is not None
    history = await finished_steps(session, row.task_id) if begun else []
    if row.workflow_version == definition.version:
        return history, NONE
    translated = definition.upgraded(history, from_version=row.workflow_version)
    if translated is None:
        return history, NONE
    rows = await _rewritten(session, row, definition.version, translated)
    parts = await newest_parts(session, row.task_id)
    left = [part for part in parts if part.step in definition.parts]
    gone = [stands(part, hidden=True) for part in parts if part.step not in definition.parts]
    counts = _counts(left) if gone else {}
    return translated, Upgrade(rows=(*rows, *nothing_runs(row.task_id), *gone), counts=counts)


def _counts(parts: Sequence[Part]) -> Mapping[str, Any]:
    return {
        "total": len(parts),
        "reset_done": sum(part.status == ContentStatus.COMPLETED for part in parts),
        "reset_failed": sum(part.status == ContentStatus.FAILED for part in parts),
    }


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
