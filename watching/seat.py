"""Where one viewer of a task stands, and how it is handed news without its task being woken.

Waking a task, and the generators that it waits in, takes several times as long as writing the
bytes; with thousands of viewers that is the time that all of them wait.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import AppError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watching.topic import Entry
    from watching.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Push:
    """How a viewer is handed events while its task waits.

    Attributes:
        pack: Makes events into bytes, the same for all viewers who stand at the same place.
        write: Sends these at once; returns False, with nothing sent, when that cannot be now.
    """

    pack: Callable[[Sequence[Entry]], bytes]
    write: Callable[[bytes], bool]


class Seat:
    """What one viewer has seen."""

    __slots__ = ("after", "checked", "idle_s", "place", "push", "told_at", "viewer")

    def __init__(self, viewer: Viewer, *, after: int, place: int | None, idle_s: float) -> None:
        self.viewer = viewer
        self.after = after
        self.place = place
        """The last transient event that was there; None when they are not wanted."""
        self.idle_s = idle_s
        self.told_at = asyncio.get_running_loop().time()
        self.checked = False
        """It was asked whether what seems to be the end is the end."""
        self.push: Push | None = None
        """From the first events on, which its task sends."""

    def took(self, batch: Sequence[Entry]) -> None:
        """Note that the viewer has got these."""
        self.after = max(self.after, batch[-1].seq)
        self.heard()
        self.checked = False

    def heard(self) -> None:
        """Note that the viewer has heard of us now."""
        self.told_at = asyncio.get_running_loop().time()

    def at(self, newest: int) -> None:
        """Note the newest transient event that was there."""
        if self.place is not None:
            self.place = newest

    @property
    def silent(self) -> bool:
        """Whether it is time for a heartbeat."""
        return asyncio.get_running_loop().time() >= self.told_at + self.idle_s

    def patience_s(self) -> float:
        """Return for how long nothing has to be done."""
        now = asyncio.get_running_loop().time()
        return min(self.told_at + self.idle_s - now, self.viewer.left_s())

    def may_see(self, owner: str | None) -> bool:
        """Tell whether the viewer may still see the task; if not, its own task says why."""
        try:
            self.viewer.check(owner)
        except AppError:
            return False
        return True
