"""Looks into the broker's queues without taking messages out; what is in them is not trusted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from core.wire_names import PROBE, PROBE_KEPT_S, RUNG_AT

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

RINGS: Final = "roadmap"
QUEUES: Final = (RINGS, "maintenance")
BROKER_S: Final = 4.0
_LOOKED_AT: Final = 20
_LARGEST: Final = 64 * 1024
"""Bytes of a message that is looked into; a ring has a few hundred."""
_LOOK: Final = """
local seen = {}
for number, key in ipairs(KEYS) do
  local found = {redis.call('LLEN', key)}
  if number <= tonumber(ARGV[1]) and found[1] > 0 then
    for _, message in ipairs(redis.call('LRANGE', key, -tonumber(ARGV[2]), -1)) do
      if #message <= tonumber(ARGV[3]) then found[#found + 1] = message end
    end
  end
  seen[number] = found
end
return seen
"""


def celery() -> Celery:
    """Return the Celery application of this process, imported when it is first needed.

    That takes a good part of a second of CPU. It is the bell's thread that waits for it, so an API
    that has nothing to ring for never pays it, and no request waits.
    """
    from worker.app import app

    return app


def check_willing() -> None:
    """Ask the broker for an answer, and a Redis for a write. Blocks for a few seconds at most.

    Raises:
        Exception: It cannot be asked, or refuses.
    """
    app = celery()
    if not _is_redis(app):
        peek()
        return
    with app.pool.acquire(block=True, timeout=BROKER_S) as connection:
        _connect(connection)
        with connection.default_channel.conn_or_acquire() as client:
            client.set(PROBE, b"", ex=PROBE_KEPT_S)


def peek() -> dict[str, Any]:
    """Look at the queues without taking anything out. Blocks for a few seconds at most.

    Returns:
        `queues`, the messages in each, of all priorities; `depth`, those in the queue of rings; and
        `oldest`, the earliest header `rung_at` of its oldest messages, or None. Brokers other than
        Redis cannot be looked into: there `oldest` is None.

    Raises:
        Exception: The broker cannot be asked.
    """
    app = celery()
    if _is_redis(app):
        # what rings are sent on: a connection of its own for each look would cost more than that
        with app.pool.acquire(block=True, timeout=BROKER_S) as connection:
            _connect(connection)
            queues, oldest = _look(connection.default_channel)
    else:
        with app.connection_for_read() as connection:
            _connect(connection)
            queues, oldest = {name: _declared(connection, name) for name in QUEUES}, None
    return {
        "depth": queues[RINGS],
        "oldest": oldest and oldest.isoformat(),
        "queues": queues,
    }


def _is_redis(app: Celery) -> bool:
    """Tell by the class: a transport would keep a selector open until the garbage is collected."""
    return bool(app.connection_for_read().get_transport_cls().driver_type == "redis")


def _connect(connection: Any) -> None:
    connection.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_S)


def _declared(connection: Any, queue: str) -> int:
    with connection.channel() as channel:  # of its own: a queue that is not there closes it
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:  # it is made by whoever sends or listens first
            return 0


def _look(channel: Any) -> tuple[dict[str, int], datetime | None]:
    """Return how long each queue is, and when the oldest ring was sent: one question for all."""
    key_of: Callable[[str, int], str] = channel._q_for_pri  # noqa: SLF001 - no public way
    # kombu keeps a list for each step of priorities
    lists = {name: [key_of(name, step) for step in channel.priority_steps] for name in QUEUES}
    with channel.conn_or_acquire() as client:
        look = client.register_script(_LOOK)
        keys = [key for each in lists.values() for key in each]
        seen = iter(look(keys=keys, args=[len(lists[RINGS]), _LOOKED_AT, _LARGEST]))
    found = {name: [next(seen) for _ in keys] for name, keys in lists.items()}
    # it pushes on the left and pops on the right
    firsts = (
        next(filter(None, map(rung_at, reversed(messages))), None) for _, *messages in found[RINGS]
    )
    lengths = {name: sum(int(length) for length, *_ in each) for name, each in found.items()}
    return lengths, min(filter(None, firsts), default=None)


def rung_at(message: bytes | str) -> datetime | None:
    """Return the time at which a message's row was marked; None when it tells none."""
    try:
        told = datetime.fromisoformat(json.loads(message)["headers"][RUNG_AT])
        return told.astimezone(UTC) if told.tzinfo is not None else None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
