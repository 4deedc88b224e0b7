"""The messages that no worker could take, and how many there were."""

from __future__ import annotations

from pydantic import Field

from db.repositories import rejected
from db.session import read_session
from watching.queries.shapes import Moment, View


class RejectedMessageView(View):
    """A message that was set aside."""

    at: Moment
    queue: str
    reason: str
    detail: str = Field(description="What is wrong with it.")
    size: int = Field(description="Bytes, as it came.")
    excerpt: str = Field(description="Its beginning as plain text, with secrets hidden.")
    worker: str = Field(description="Which worker set it aside.")


class RejectedCountView(View):
    """How many messages were set aside for a reason since the first one."""

    reason: str
    messages: int
    first_at: Moment
    last_at: Moment


class RejectedView(View):
    """What was set aside, the newest first."""

    total: int = Field(description="Messages that were ever set aside.")
    kept: int = Field(description="How many of them can still be looked at.")
    counts: list[RejectedCountView]
    rejected: list[RejectedMessageView]


async def rejected_messages(*, limit: int) -> RejectedView:
    """Return the newest messages that were set aside, and complete counts."""
    async with read_session() as session:
        counts = await rejected.counts(session)
        messages = await rejected.newest(session, limit=limit)
        kept = await rejected.kept(session)
    return RejectedView(
        total=sum(count.messages for count in counts),
        kept=kept,
        counts=[
            RejectedCountView(
                reason=count.reason,
                messages=count.messages,
                first_at=count.first_at,
                last_at=count.last_at,
            )
            for count in counts
        ],
        rejected=[
            RejectedMessageView(
                at=message.at,
                queue=message.queue,
                reason=message.reason,
                detail=message.detail,
                size=message.size,
                excerpt=message.excerpt,
                worker=message.worker,
            )
            for message in messages
        ],
    )


async def rejected_counts() -> dict[str, int]:
    """Return how many messages were ever set aside, by reason."""
    async with read_session() as session:
        return {count.reason: count.messages for count in await rejected.counts(session)}
