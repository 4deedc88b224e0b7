"""Which names of steps the tasks of each workflow may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from sqlalchemy.dialects.postgresql import insert

from core.states import RESERVED
from db.models import WorkflowStep

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncSession

STEPS: Final = cast("Table", WorkflowStep.__table__)


async def keep_steps(session: AsyncSession, workflow: str, steps: Iterable[str]) -> None:
    """Add the names that are not there yet; those of earlier versions stay."""
    rows = [{"workflow": workflow, "step": step} for step in sorted({*steps, *RESERVED})]
    await session.execute(insert(STEPS).on_conflict_do_nothing(), rows)
