"""The port to what processes share about the provider: slots, slow-downs, rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from limits import RateLimitItem


class ClusterAwayError(Exception):
    """Nothing is shared at the moment; a process goes on with its own share."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a process is told when it says how many calls it has.

    Attributes:
        granted: Further calls that it may begin.
        processes: Processes with calls, this one included.
        slowdown: Names the last slow-down of the cluster, 0 when there was none lately.
        pause_s: How long no call should begin.
    """

    granted: int
    processes: int
    slowdown: int = 0
    pause_s: float = 0.0


class Cluster(Protocol):
    """What all processes know together; each method may raise `ClusterAwayError`, soon."""

    async def exchange(self, *, held: int, want: int, limit: int | None) -> Standing:
        """Tell how many calls this process has and wants, and learn what it may begin.

        What is told is held for some seconds and must be told again before; so a process that is
        killed keeps nothing for long.

        Args:
            held: Calls that it has.
            want: Further ones that it would begin.
            limit: Calls at a time over all processes; None when each one minds its own.
        """
        ...

    async def slow_down(self, *, seen: int, pause_s: float) -> int:
        """Tell all processes that the provider sends calls away.

        Args:
            seen: The last slow-down that this process knew when the refused call began.
            pause_s: How long the provider asked to wait.

        Returns:
            The slow-down's name: a new one, or that of one which others told of in the meantime.
        """
        ...

    async def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Count against a rate of the `limits` library; tell whether there was room."""
        ...

    async def leave(self) -> None:
        """Give everything back and close."""
        ...
