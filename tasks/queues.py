"""Looks into the broker's queues without taking messages out; what is in them is not trusted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from core.wire_names import RUNG_AT
from tasks.dispatch import celery

QUEUES: Final = ("roadmap", "maintenance")
BROKER_S: Final = 4.0
_LOOKED_AT: Final = 20
_LARGEST: Final = 64 * 1024
"""Bytes of a message that is looked into; a ring has a few hundred."""
_OLDEST_ONES: Final = """
local found = {}
for _, message in ipairs(redis.call('LRANGE', KEYS[1], -tonumber(ARGV[1]), -1)) do
  if #message <= tonumber(ARGV[2]) then found[#found + 1] = message end
end
return found
"""


def peek() -> dict[str, Any]:
    """Look at the queues without taking anything out. Blocks for a few seconds at most.

    Returns:
        `queues`, the messages in each, of all priorities; `depth`, those in the queue of rings; and
        `oldest`, the earliest header `rung_at` of its oldest messages, or None. Brokers other than
        Redis cannot be looked into: there `oldest` is None.

    Raises:
        Exception: The broker cannot be asked.
    """
    with celery().connection_for_read() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_S)
        with connection.channel() as channel:  # each channel is a connection to Redis
            if connection.transport.driver_type == "redis":
                queues, oldest = _lengths(channel), _oldest(channel)
            else:
                queues, oldest = {name: _declared(connection, name) for name in QUEUES}, None
    return {
        "depth": queues["roadmap"],
        "oldest": oldest and oldest.isoformat(),
        "queues": queues,
    }


def _declared(connection: Any, queue: str) -> int:
    with connection.channel() as channel:  # of its own: a queue that is not there closes it
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:  # it is made by whoever sends or listens first
            return 0


def _lengths(channel: Any) -> dict[str, int]:
    """Ask for the lengths of all lists in one go."""
    asked = channel.client.pipeline(transaction=False)
    lists = {name: _keys(channel, name) for name in QUEUES}
    for keys in lists.values():
        for key in keys:
            asked.llen(key)
    lengths = iter(asked.execute())
    return {name: sum(int(next(lengths)) for _ in keys) for name, keys in lists.items()}


def _keys(channel: Any, queue: str) -> list[str]:
    """Return the lists of a queue: kombu keeps one for each step of priorities."""
    return [channel._q_for_pri(queue, step) for step in channel.priority_steps]  # noqa: SLF001 - no public way


def _oldest(channel: Any) -> datetime | None:
    look = channel.client.register_script(_OLDEST_ONES)
    firsts = []
    for key in _keys(channel, "roadmap"):
        # kombu pushes on the left and pops on the right
        tail = reversed(look(keys=[key], args=[_LOOKED_AT, _LARGEST]))
        firsts.append(next(filter(None, map(rung_at, tail)), None))
    return min(filter(None, firsts), default=None)


def rung_at(message: bytes | str) -> datetime | None:
    """Return the time at which a message's row was marked; None when it tells none."""
    try:
        told = datetime.fromisoformat(json.loads(message)["headers"][RUNG_AT])
        return told.astimezone(UTC) if told.tzinfo is not None else None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
