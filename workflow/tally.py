"""How a task's parts ended, counted: what decides how the task goes on or ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from core.errors import AppError
from core.states import ContentStatus
from db.repositories.parts import newest_parts
from db.session import retrying_read
from workflow.halting import Halt

if TYPE_CHECKING:
    from collections.abc import Collection

    from workflow.lease import Claim


@dataclass(slots=True)
class Tally:
    """How many parts ended how, and why the failed ones failed."""

    completed: int = 0
    failed: int = 0
    failed_at: set[str] = field(default_factory=set)
    """Steps with failed parts."""
    codes: Counter[str] = field(default_factory=Counter)
    messages: dict[str, str] = field(default_factory=dict)
    halt: Halt = field(default_factory=Halt)


async def tally_of(claim: Claim, steps: Collection[str] | None = None) -> Tally:
    """Return how the parts of the whole task stand, or those of some steps."""
    tally = Tally()
    for part in await retrying_read(partial(newest_parts, task_id=claim.task_id)):
        if steps is not None and part.step not in steps:
            continue
        tally.completed += part.status == ContentStatus.COMPLETED
        if part.status == ContentStatus.FAILED:
            error = part.error or {}
            code = str(error.get("code", AppError.code))
            tally.failed += 1
            tally.failed_at.add(part.step)
            tally.codes[code] += 1
            tally.messages[code] = str(error.get("message", ""))
    return tally
