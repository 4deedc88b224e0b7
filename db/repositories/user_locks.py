"""Locks by which one transaction at a time counts a user's tasks."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from core.logging import get_logger
from db.raw import known_errors, raw_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.raw import Raw

log = get_logger(__name__)

_ONE_AT_A_TIME: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
_EACH_AT_A_TIME: Final = """
    SELECT pg_try_advisory_xact_lock(hashtextextended(user_id, 0))
    FROM unnest($1::text[]) WITH ORDINALITY AS asked(user_id, number) ORDER BY number
"""
PATIENCE_S: Final = 2.0
_AGAIN_S: Final = 0.02


async def lock_user(session: AsyncSession, user_id: str) -> None:
    """Let one transaction at a time count a user's tasks, until it ends.

    After `PATIENCE_S` this goes on without the lock: whoever holds it for so long is frozen or lost
    its network, and one task too many is better than a user whose tasks all wait for that.
    """
    deadline = time.monotonic() + PATIENCE_S
    raw = await raw_of(session)
    while not await raw.fetchval(_ONE_AT_A_TIME, user_id):
        if time.monotonic() >= deadline:
            log.warning("user_lock_timed_out", user_id=user_id)
            return
        await asyncio.sleep(_AGAIN_S)


async def lock_users(raw: Raw, user_ids: Sequence[str]) -> list[bool]:
    """Do the same for several users at once, and tell which could be locked; waits for nobody."""
    with known_errors(raw):
        return [bool(row[0]) for row in await raw.fetch(_EACH_AT_A_TIME, list(user_ids))]
