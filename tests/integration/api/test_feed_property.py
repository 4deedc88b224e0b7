"""Whatever becomes of the copies that Redis carries, a client ends in the same state."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications.events import TERMINAL_EVENTS
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.factories import new_task
from tests.integration.api import seeds
from watching import feed, topic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from uuid import UUID

    import asyncpg

EVENTS = 10
"""Committed while the client watches."""


class Wire:
    """A messenger whose every message is dropped, repeated, delayed or garbled as told."""

    def __init__(self, *, healthy: bool) -> None:
        self.healthy = healthy
        self._callbacks: list[Callable[[bytes | None], None]] = []
        self._delayed: list[tuple[int, bytes]] = []
        self._carried = 0

    def subscribe(
        self, _channel: str, callback: Callable[[bytes | None], None]
    ) -> Callable[[], None]:
        """Confirm at once."""
        self._callbacks.append(callback)
        callback(None)
        return lambda: self._callbacks.remove(callback)

    def carry(self, message: bytes, *, copies: int, delay: int, noise: bytes | None) -> None:
        """Deliver a message so many times, so many messages later."""
        self._carried += 1
        if noise is not None:
            self._deliver(noise)
        self._delayed += [(self._carried + delay, message)] * copies
        due = [m for at, m in self._delayed if at <= self._carried]
        self._delayed = [(at, m) for at, m in self._delayed if at > self._carried]
        for each in due:
            self._deliver(each)

    def reconnect(self) -> None:
        """Tell of a doubt, as the hub does after it was cut off."""
        self._deliver(None)

    def _deliver(self, message: bytes | None) -> None:
        for callback in list(self._callbacks):
            callback(message)


fates = st.lists(
    st.fixed_dictionaries(
        {
            "copies": st.sampled_from([0, 0, 1, 1, 2]),
            "delay": st.integers(0, 4),
            "noise": st.sampled_from(
                [None, None, b"{garbage", b'{"type": "content_delta"}', b'{"seq": "x"}', b"7"]
            ),
            "reconnect": st.booleans(),
        }
    ),
    min_size=EVENTS,
    max_size=EVENTS,
)


@pytest.fixture
async def quick(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Connection]:
    """Short ticks, and a backlog that the client falls out of."""
    monkeypatch.setattr(topic, "TICK_S", 0.02)
    monkeypatch.setattr(topic, "FIRST_LOOK_S", 0.01)
    monkeypatch.setattr(topic, "TAIL", 4)
    yield database
    await feed.aclose()


def folded(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the state of a client that folds in each event as it comes, trusting their order."""
    state: dict[str, Any] = {"seen": [], "rounds": [], "percents": []}
    for event in events:
        state["seen"].append(event["seq"])
        state["status"], state["step"] = event["status"], event["current_step"]
        state["percents"].append(event["progress"]["percent"])
        state["rounds"].append(event["data"].get("round"))
    return state


async def client(
    task_id: UUID, *, slow: bool = False, refuses: Iterable[bool] | None = None
) -> list[dict[str, Any]]:
    """Follow a task to its end; with `refuses` it is handed events unless it refuses at times."""
    events: list[dict[str, Any]] = []
    turns = iter(refuses or ())

    def write(packed: bytes) -> bool:
        if next(turns):
            return False
        events.extend(orjson.loads(packed))
        return True

    push = None if refuses is None else feed.Push(pack=packed_durable, write=write)
    async with aclosing(feed.follow(task_id, after=0, transient=True, push=push)) as batches:
        async for batch in batches:
            events += [entry.event for entry in batch if not entry.transient]
            if slow:
                await asyncio.sleep(0.01)
    return events


def packed_durable(batch: Sequence[feed.Entry]) -> bytes:
    """Return the events of the log among some, as JSON."""
    return orjson.dumps([entry.event for entry in batch if not entry.transient])


@given(told=fates, healthy=st.booleans())
@settings(
    max_examples=200 if WHOLE_SET else 8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_the_final_state_is_the_same(
    quick: asyncpg.Connection, told: list[dict[str, Any]], *, healthy: bool
) -> None:
    """Drops, duplicates, delays, garbage and reconnections change nothing of what clients end with.

    A quick client, a slow one, one that comes late and two that are handed events without being
    woken, of which one refuses now and then, fold the events in as they come.
    """
    wire = Wire(healthy=healthy)
    feed.install(wire)
    task_id = await new_task()
    clients = [
        asyncio.create_task(client(task_id)),
        asyncio.create_task(client(task_id, slow=True)),
        asyncio.create_task(client(task_id, refuses=itertools.repeat(False))),
        asyncio.create_task(client(task_id, refuses=itertools.cycle([False, True, True]))),
    ]
    await seeds.started(task_id)
    await carried(quick, wire, task_id, FAIR)
    for number, fate in enumerate(told):
        await seeds.emit(task_id, 1)
        await carried(quick, wire, task_id, fate)
        if number == EVENTS // 2:
            clients.append(asyncio.create_task(client(task_id)))
    await seeds.ended(task_id)
    await carried(quick, wire, task_id, told[0])
    log = [
        orjson.loads(row["payload"])
        for row in await quick.fetch(
            "SELECT payload FROM task_events WHERE task_id = $1 ORDER BY seq", task_id
        )
    ]
    assert log[-1]["type"] in TERMINAL_EVENTS
    states = [folded(each) for each in await asyncio.wait_for(asyncio.gather(*clients), 20)]
    assert states == [folded(log)] * len(clients)


FAIR: dict[str, Any] = {"copies": 1, "delay": 0, "noise": None, "reconnect": False}


async def carried(
    database: asyncpg.Connection, wire: Wire, task_id: UUID, fate: dict[str, Any]
) -> None:
    """Publish the newest event, to whatever becomes of it."""
    payload = await database.fetchval(
        "SELECT payload FROM task_events WHERE task_id = $1 ORDER BY seq DESC LIMIT 1", task_id
    )
    wire.carry(
        orjson.dumps(orjson.loads(payload)),
        copies=fate["copies"],
        delay=fate["delay"],
        noise=fate["noise"],
    )
    if fate["reconnect"]:
        wire.reconnect()
