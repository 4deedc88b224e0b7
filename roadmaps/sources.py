"""What a search finds for a concept's resources, where one is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter

from core.logging import get_logger
from core.loop_local import LoopLocal
from core.provider_errors import ProviderError
from core.settings import get_settings
from roadmaps.search import Search, create_search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roadmaps.inputs import ContentInputs
    from roadmaps.search import Hit

log = get_logger(__name__)

SEARCHES: Final = Counter(
    "roadmap_searches_total",
    "Searches for resources by how they ended: `ok`, or a code.",
    ["outcome"],
)

_searches: LoopLocal[Search | None] = LoopLocal(lambda: create_search(get_settings()))


async def find_sources(inputs: ContentInputs) -> tuple[Sequence[Hit], str | None]:
    """Return pages that may help with a concept, and the code of what went wrong, if anything.

    Resources can be recommended without a search, so a failed one fails nothing, whatever its
    class: it is counted, logged and told with the content; `roadmap doctor` looks at the key.
    """
    search = _searches.get()
    if search is None:
        return (), None
    try:
        hits = await search.find(f"{inputs.topic}: {inputs.title}")
    except ProviderError as error:
        SEARCHES.labels(error.code).inc()
        log.warning("search_failed", code=error.code, reason=error.message)
        return (), error.code
    SEARCHES.labels("ok").inc()
    return hits, None


async def close_search() -> None:
    """Close the running loop's search, if it was ever asked."""
    search = _searches.pop()
    if search is not None:
        await search.aclose()
