"""Whether a worker takes messages, as its processes tell others."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from worker import consuming, pulse
from worker.app import app

if TYPE_CHECKING:
    import pytest


def _consumer(queues: list[str]) -> tuple[Any, list[Any]]:
    ticks: list[Any] = []
    return SimpleNamespace(
        task_consumer=SimpleNamespace(queues=[SimpleNamespace(name=name) for name in queues]),
        timer=SimpleNamespace(call_repeatedly=lambda _s, tick: ticks.append(tick)),
    ), ticks


def test_only_a_steady_consumer_of_all_queues_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has just connected, or has left a queue, does not count as taking messages."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    consuming.turned()
    assert consuming.consuming()
    consumer, ticks = _consumer(list(app.amqp.queues.consume_from))
    for _ in range(20):  # it reconnects each second, for ever
        pulse.ConsumerPulse(consumer).start(consumer)
        now += 1
        ticks[-1]()
    assert not consuming.consuming()
    now += consuming.STEADY_S
    ticks[-1]()
    assert consuming.consuming()
    now += consuming.STALE_S
    deaf, heard = _consumer(["maintenance"])
    pulse.ConsumerPulse(deaf).start(deaf)
    now += consuming.STEADY_S
    heard[-1]()
    assert not consuming.consuming()


def test_children_see_it() -> None:
    """A forked child knows what the main process's consumer did after the fork."""
    reader, writer = os.pipe()
    asked, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(asked, 1)
        os.write(writer, b"yes" if consuming.consuming() else b"no")
        os._exit(0)
    consuming.turned()
    os.write(go, b"x")
    assert os.read(reader, 3) == b"yes"
    os.waitpid(child, 0)
    for end in (reader, writer, asked, go):
        os.close(end)
