"""What a process has open is one list, in the order in which its parts need each other."""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import create_autospec

import pytest
from redis.asyncio import Redis

from core.resources import Resource
from notifications.hub import Hub
from wiring.api import api_resources
from wiring.worker import worker_resources

OWN = Resource("request limit")


def names(process: str) -> list[str]:
    """Return the names of a process's parts in the order in which they are opened."""
    if process == "worker":
        return [part.name for part in worker_resources()]
    hub, redis = create_autospec(Hub), create_autospec(Redis)
    return [part.name for part in api_resources(hub, redis, [OWN])]


@pytest.mark.parametrize("process", ["api", "worker"])
def test_facts_are_committed_before_what_tells_them_is_closed(process: str) -> None:
    """Closed in reverse: recorder, bell, publisher, engine; no part is listed twice."""
    found = names(process)
    assert len(found) == len(set(found))
    order = ["workflows", "database engine", "publisher", "bell", "recorder"]
    assert all(found.index(first) < found.index(then) for first, then in pairwise(order))


def test_each_process_adds_its_own() -> None:
    """A worker says that it is there once it can work; streams end before what feeds them."""
    assert names("worker")[-1] == "presence"
    api = names("api")
    assert api.index("redis") < api.index("hub") < api.index(OWN.name) < api.index("feed")
