"""Shows the text of parts while it is written: for the eye only, nothing depends on it.

What carries it to viewers is installed by the process's composition root; without it, texts are
seen once they are complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from notifications.event_data import PartTold


class Carrier(Protocol):
    """What takes pieces of text to viewers; it must not block and must not raise."""

    def __call__(self, task_id: UUID, about: PartTold, *, offset: int, text: str) -> None:
        """Take a piece that stands `offset` characters after the beginning of the text."""
        ...


_carrier: Carrier | None = None


def install(carrier: Carrier | None) -> None:
    """Set what carries text to viewers."""
    global _carrier  # noqa: PLW0603 - one carrier per process
    _carrier = carrier


def show(task_id: UUID, offset: int, text: str, *, about: PartTold) -> None:
    """Show viewers more of a part's text; 0 begins it anew."""
    if _carrier is not None:
        _carrier(task_id, about, offset=offset, text=text)
