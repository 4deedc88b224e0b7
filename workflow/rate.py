"""LLM_REQUESTS_PER_MINUTE over all processes: each request takes the next free moment.

A limit per process would be three times the limit with three workers, and reading a counter before
adding to it lets two in at once; here one statement hands out one moment.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from core.settings import get_settings
from db.models import Rate
from db.session import retrying, transaction

if TYPE_CHECKING:
    from sqlalchemy import Table

RATES: Final = cast("Table", Rate.__table__)
NAME: Final = "llm_requests"


async def wait_for_turn() -> None:
    """Return when this process may send the next request to the model's provider."""
    per_minute = get_settings().llm_requests_per_minute
    if per_minute:
        await asyncio.sleep(await retrying(lambda: _take_turn(timedelta(minutes=1 / per_minute))))


async def _take_turn(every: timedelta) -> float:
    """Take the next free moment and return how many seconds away it is."""
    now = func.clock_timestamp()
    statement = (
        insert(RATES)
        .values(name=NAME, next_at=now + every)
        .on_conflict_do_update(
            index_elements=[RATES.c.name],
            set_={"next_at": func.greatest(RATES.c.next_at, now) + every},
        )
        .returning(func.extract("epoch", RATES.c.next_at - every - now))
    )
    async with transaction() as tx:
        return max(0.0, float((await tx.session.scalars(statement)).one()))
