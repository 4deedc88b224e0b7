"""By what the line of waiting tasks is counted: bounds, and which workers and runs count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from core.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNLIMITED: Final = 2**31 - 1
PRESENT_EVERY_S: Final = 5.0
"""How often a worker tells of itself."""
SILENT_S: Final = 3 * PRESENT_EVERY_S
"""A worker that was not heard of for so long does not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What the line is counted by.

    Attributes:
        most_active: Tasks of one user that may be begun and not ended.
        lease_s: How long a lease is good.
        silent_s: A worker that was not heard of for so long does not count.
        known: Workflows with their versions, as in `book 2`, whose tasks alone count among those
            who wait; None for all.
    """

    most_active: int
    lease_s: float
    silent_s: float
    known: Sequence[str] | None = None

    def parameters(self) -> Mapping[str, object]:
        """Return them as the statements want them."""
        only = {} if self.known is None else {"known": list(self.known)}
        return {
            "most_active": self.most_active,
            "unlimited": UNLIMITED,
            "lease": timedelta(seconds=self.lease_s),
            "silent": timedelta(seconds=self.silent_s),
            **only,
        }


def bounds() -> Bounds:
    """Return what the line is counted by, as the settings say."""
    settings = get_settings()
    return Bounds(
        most_active=settings.user_max_active_tasks or UNLIMITED,
        lease_s=settings.lease_s,
        silent_s=SILENT_S,
    )


# `slots` is what one user may have running, `total` what all may; both null while no worker tells
# of itself. A lease counts while its worker lives, in that life.
LIVE: Final = """
    live AS (
        SELECT name, slots, spare, since + CAST(:lease AS interval) AS first_lease FROM workers
        WHERE seen_at > clock_timestamp() - CAST(:silent AS interval)
    ), capacity AS (
        SELECT sum(slots) AS slots, sum(slots + spare) AS total FROM live
    )
"""
RUNS: Final = """
    lease_until >= clock_timestamp() AND EXISTS (
        SELECT FROM live WHERE name = lease_owner AND lease_until >= first_lease
    )
"""
