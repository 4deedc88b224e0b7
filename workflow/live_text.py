"""Shows viewers the text of contents while it is written; nothing else depends on it.

What carries it to viewers is installed by the process's composition root; without it, texts are
seen once they are complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from core.states import ContentKind


class Carrier(Protocol):
    """What takes pieces of text to viewers; it must not block and must not raise."""

    def __call__(
        self,
        task_id: UUID,
        *,
        concept_id: UUID,
        kind: ContentKind,
        version: int,
        offset: int,
        text: str,
    ) -> None:
        """Take a piece that stands `offset` characters after the beginning of the text."""
        ...


_carrier: Carrier | None = None


def install(carrier: Carrier | None) -> None:
    """Set what carries text to viewers."""
    global _carrier  # noqa: PLW0603 - one carrier per process
    _carrier = carrier


def show(
    task_id: UUID,
    offset: int,
    text: str,
    *,
    concept_id: UUID,
    kind: ContentKind,
    version: int,
) -> None:
    """Show viewers more of a content's text; 0 begins it anew."""
    if _carrier is not None:
        _carrier(
            task_id,
            concept_id=concept_id,
            kind=kind,
            version=version,
            offset=offset,
            text=text,
        )
