"""Writes what was set aside, and counts it.

Imported late: metrics may be defined only once it is known whether processes share them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter

from db.repositories import rejected
from db.repositories.rejected import Rejected
from db.session import transaction

__all__ = ["REJECTED", "Rejected", "write"]

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REJECTED: Final = Counter(
    "roadmap_rejected_messages_total",
    "Messages that this worker has set aside, by reason.",
    ["reason"],
)


async def write(messages: Sequence[Rejected], counts: Mapping[str, int]) -> None:
    """Keep messages, and the number of all."""
    async with transaction() as tx:
        await rejected.keep(tx.session, messages, counts)
