"""Searches the web for resources, where a search is configured: the port, and Tavily."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.choices import SearchProvider
from roadmaps.search.port import Hit, Search

if TYPE_CHECKING:
    from core.settings import Settings

__all__ = ["Hit", "Search", "create_search"]


def create_search(settings: Settings) -> Search | None:
    """Return the search that SEARCH_PROVIDER names, or None; nothing is connected yet."""
    if settings.search_provider is SearchProvider.NONE:
        return None
    from roadmaps.search.tavily import Tavily

    return Tavily(settings)
