"""Looking into the broker's queues, which a worker does every few seconds as long as it lives."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import psutil
import pytest

from tasks import queues
from tests.broker import use_broker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def _own_broker(redis_url: str) -> Iterator[None]:
    """Send to this run's Redis, with what is garbage left where it is."""
    before = use_broker(redis_url)
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    use_broker(before)


@pytest.mark.usefixtures("_own_broker")
@pytest.mark.parametrize("look", [queues.peek, queues.check_willing])
def test_a_look_keeps_nothing_open(look: Callable[[], object]) -> None:
    """However often, and however seldom the garbage is collected."""
    look()
    process = psutil.Process()
    before = process.num_fds()
    for _ in range(20):
        look()
    assert process.num_fds() == before
