"""Notes each minute what waits and what runs, so that whoever looks later sees how it went."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from db.session import transaction
from watching.queries import queue_state

if TYPE_CHECKING:
    from workflow.recovery import Queue

KEPT: Final = timedelta(hours=3)
"""An hour is shown; the rest is for whoever reads the table to see what led to it."""
_NOTE: Final = text(
    """
    INSERT INTO queue_minutes (minute, waiting, running, depth)
    VALUES (date_trunc('minute', clock_timestamp()), :waiting, :running, :depth)
    ON CONFLICT DO NOTHING
    """
)
_FORGET: Final = text(
    "DELETE FROM queue_minutes WHERE minute < clock_timestamp() - CAST(:kept AS interval)"
)


async def note_minute(queue: Queue | None) -> None:
    """Write the figures of this minute down, unless that is done; forget what is old.

    They are those that the operations page shows, so that its curves end at its figures.

    Args:
        queue: The broker's queue, or None when it cannot be asked.
    """
    state = await queue_state()
    figures = {
        "waiting": state.waiting,
        "running": state.running,
        "depth": None if queue is None else queue.depth,
    }
    async with transaction() as tx:
        await tx.session.execute(_NOTE, figures)
        await tx.session.execute(_FORGET, {"kept": KEPT})
