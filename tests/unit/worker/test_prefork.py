"""The prefork pool's children, watched again after each connection to the broker."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from kombu.asynchronous import Hub

from worker.prefork import ProcessPool

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def hub() -> Iterator[Any]:
    """Celery's event loop."""
    hub = Hub()
    yield hub
    hub.close()


def test_a_forgotten_child_is_watched_again(hub: Any) -> None:
    """A child whose end was heard of by mistake is watched again instead of ending the worker."""
    sentinel, theirs = os.pipe()
    child = SimpleNamespace(_sentinel_poll=None, _popen=SimpleNamespace(sentinel=sentinel))
    pool = object.__new__(ProcessPool)
    pool._track_child_process(child, hub)
    assert child._sentinel_poll in hub.readers
    pool._untrack_child_process(child, hub)
    os.close(sentinel)
    os.close(theirs)


def test_an_ended_child_is_not_watched(hub: Any) -> None:
    """A child that has ended, and is about to be cleared away, is left alone."""
    child = SimpleNamespace(_sentinel_poll=None, _popen=SimpleNamespace(sentinel=None))
    object.__new__(ProcessPool)._track_child_process(child, hub)
    assert not hub.readers
