"""The words that our own addresses begin with are those of all routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.app import create_app
from api.mount import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator


def _paths(routes: list[Any]) -> Iterator[str]:
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is None:
            yield route.path
        else:
            yield from (route.include_context.prefix + path for path in _paths(router.routes))


def test_a_new_address_is_known_to_sub_paths() -> None:
    """A sub-path that is called like one of our pages is told from that page by these words."""
    first = {path.split("/")[1] for path in _paths(create_app().routes)}
    assert first - {"", "{path:path}"} == OURS  # home, and what is not there
