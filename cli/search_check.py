"""The doctor's question about the web search: really asked, not only configured."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cli.findings import Finding, clean, is_placeholder

if TYPE_CHECKING:
    from core.settings import Settings


def check_search(settings: Settings) -> list[Finding]:
    """Search once. Resources are written without a search, too, so nothing here is required."""
    if settings.search_provider == "none":
        return []
    key = settings.search_api_key.get_secret_value() if settings.search_api_key else ""
    if not key.strip() or is_placeholder(key):
        said = "ROADMAP_SEARCH_API_KEY is not configured" + (" (a placeholder)" if key else "")
        return [_finding(said, ok=False)]
    from core.errors import ProviderError
    from roadmaps.search import create_search

    async def ask() -> int:
        search = create_search(settings)
        if search is None:
            return 0
        try:
            return len(await search.find("Rust ownership"))
        finally:
            await search.aclose()

    try:
        found = asyncio.run(ask())
    except ProviderError as error:
        return [_finding(clean(f"{error.message} ({error.code})", key), ok=False)]
    return [_finding(f"{settings.search_provider} answers ({found} hits)", ok=True)]


def _finding(message: str, *, ok: bool) -> Finding:
    return Finding(name="web search", ok=ok, message=message, required=False)
