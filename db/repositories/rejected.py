"""The messages that were set aside: the newest ones are kept, all of them are counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, bindparam, func, insert, select, text

from db.models import RejectedCount, RejectedMessage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

KEPT: Final = 1000
KEPT_FOR: Final = timedelta(days=30)
"""They may quote what people wrote."""

_COUNT: Final = text(
    """
    INSERT INTO rejected_counts AS known (reason, messages, first_at, last_at)
    VALUES (:reason, :messages, clock_timestamp(), clock_timestamp())
    ON CONFLICT (reason) DO UPDATE
    SET messages = known.messages + excluded.messages, last_at = excluded.last_at
    """
).bindparams(bindparam("messages", type_=BigInteger))
_TRIM: Final = text(
    """
    DELETE FROM rejected_messages WHERE id <= (
        SELECT id FROM rejected_messages ORDER BY id DESC OFFSET :kept LIMIT 1
    )
    """
)
_FORGET: Final = text(
    "DELETE FROM rejected_messages WHERE at < clock_timestamp() - CAST(:kept_for AS interval)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """One message that was set aside."""

    at: datetime
    queue: str
    reason: str
    detail: str
    size: int
    excerpt: str
    worker: str


async def keep(
    session: AsyncSession, messages: Sequence[Rejected], counts: Mapping[str, int]
) -> None:
    """Add messages, the oldest make room; count also those of which nothing is kept."""
    if messages:
        await session.execute(insert(RejectedMessage), [asdict(message) for message in messages])
        await session.execute(_TRIM, {"kept": KEPT})
    for reason in sorted(counts):  # in one order, or two workers would wait for each other
        await session.execute(_COUNT, {"reason": reason, "messages": counts[reason]})


async def newest(session: AsyncSession, *, limit: int) -> list[RejectedMessage]:
    """Return the messages that were set aside last, the newest first."""
    statement = select(RejectedMessage).order_by(RejectedMessage.id.desc()).limit(limit)
    return list(await session.scalars(statement))


async def counts(session: AsyncSession) -> list[RejectedCount]:
    """Return how many there were in all, by reason."""
    return list(await session.scalars(select(RejectedCount).order_by(RejectedCount.reason)))


async def kept(session: AsyncSession) -> int:
    """Return how many are kept."""
    return await session.scalar(select(func.count()).select_from(RejectedMessage)) or 0


async def forget_old(session: AsyncSession) -> int:
    """Delete what is older than `KEPT_FOR`; return how many there were."""
    result: Any = await session.execute(_FORGET, {"kept_for": KEPT_FOR})
    return int(result.rowcount)
