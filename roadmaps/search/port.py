"""The port to a web search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Sequence


class Hit(BaseModel):
    """One page that was found. All of it was written by strangers."""

    model_config = ConfigDict(frozen=True)

    title: str
    url: str
    excerpt: str


class Search(Protocol):
    """Finds pages on the web."""

    async def find(self, query: str) -> Sequence[Hit]:
        """Return the best pages first.

        Raises:
            ProviderError: One of its subclasses, as for a language model.
        """
        ...

    async def aclose(self) -> None:
        """Close what is open; the search is not used after this."""
        ...
