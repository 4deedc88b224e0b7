"""Messages that are taken many at a time are noted as others are, and come back as others do."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from kombu import Connection
from redis import Redis as BlockingRedis

from tasks.roadmap import generate
from tests.junk import envelope
from worker.intake.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis.asyncio import Redis

QUEUE: Final = "roadmap"
NOTES: Final = {"unacked_key": "roadmap:unacked", "unacked_index_key": "roadmap:unacked_index"}


def _message(task_id: str, **request: str) -> bytes:
    given = {"task_id": task_id, "request": request}
    return json.dumps(envelope([[], given, None], task=generate.name)).encode()


@contextmanager
def _consumer(redis_url: str, received: list[Any], *, prefix: str) -> Iterator[Any]:
    options = NOTES | {"global_keyprefix": prefix}
    with Connection(redis_url, transport=Transport, transport_options=options) as connection:
        channel = connection.channel()
        channel.basic_consume(QUEUE, no_ack=False, callback=received.append, consumer_tag="us")
        channel.room = lambda: 48
        yield channel
        channel._consumers.clear()


@pytest.mark.parametrize("prefix", ["", "ours:"])
async def test_many_at_once(redis: Redis, redis_url: str, prefix: str) -> None:
    """They come in order, one for eight free slots; bad ones go, a long one stays behind."""
    del redis  # it is empty
    tasks = [str(uuid.uuid4()) for _ in range(9)]
    messages = [_message(task, goal="Knots") for task in tasks]
    messages[1] = b"no message"
    messages[8] = _message(tasks[8], goal="k" * 20_000)
    received: list[Any] = []
    with (
        BlockingRedis.from_url(redis_url) as client,
        _consumer(redis_url, received, prefix=prefix) as channel,
    ):
        client.lpush(prefix + QUEUE, *messages)
        channel._take_more(QUEUE, QUEUE)
        got = [message.payload[1]["task_id"] for message in received]
        assert got == [tasks[n] for n in (0, 2, 3, 4, 5)]
        assert client.hlen(f"{prefix}roadmap:unacked") == 5
        received[0].ack()
        assert client.hlen(f"{prefix}roadmap:unacked") == 4
        assert client.zcard(f"{prefix}roadmap:unacked_index") == 4
        channel.qos.restore_by_tag(received[1].delivery_tag)
        channel._take_more(QUEUE, QUEUE)
        assert [m.payload[1]["task_id"] for m in received[5:]] == [tasks[n] for n in (2, 6, 7)]
        assert client.llen(prefix + QUEUE) == 1


async def test_notes_that_cannot_be_made(redis: Redis, redis_url: str) -> None:
    """When they cannot be noted they stay where they are, to be read one by one."""
    del redis
    received: list[Any] = []
    with (
        BlockingRedis.from_url(redis_url) as client,
        _consumer(redis_url, received, prefix="") as channel,
    ):
        client.set("roadmap:unacked", "in the way")
        client.lpush(QUEUE, *(_message(str(uuid.uuid4()), goal="Knots") for _ in range(3)))
        channel._take_more(QUEUE, QUEUE)
        assert not received
        assert client.llen(QUEUE) == 3
        client.delete("roadmap:unacked")
