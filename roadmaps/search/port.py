"""The port to a web search, and who the settings put behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict

from core.choices import SearchProvider

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.settings import Settings


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


def create_search(settings: Settings) -> Search | None:
    """Return the search that SEARCH_PROVIDER names, or None; nothing is connected yet."""
    if settings.search_provider is SearchProvider.NONE:
        return None
    from roadmaps.search.tavily import Tavily

    return Tavily(settings)
