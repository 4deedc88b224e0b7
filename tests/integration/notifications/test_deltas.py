"""The text of contents while it is written: coalesced, in its place, and in nobody's way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import pytest
from pydantic import TypeAdapter
from redis.asyncio import Redis

from core.settings import get_settings
from notifications import deltas, publisher
from notifications.deltas import LARGEST_PIECE, forget, stop_streaming, stream_text
from notifications.event_data import PartTold, part_told
from notifications.events import ContentDelta, StreamEvent, task_channel
from notifications.publisher import TRANSIENT_DROPPED, publish_events, stop_publishing
from tests.factories import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TASK = UUID("0199c0de-0000-7000-8000-000000000000")
CONCEPT = UUID("0199c0de-0000-7000-8000-000000000001")


class Heard:
    """Everything that came over the task's channel, in order."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    @property
    def pieces(self) -> list[dict[str, Any]]:
        """The data of the deltas."""
        return [m["data"] for m in self.messages if m["type"] == "content_delta"]

    def text(self) -> str:
        """Return the text as a client puts it together, by the offsets."""
        text = ""
        for piece in self.pieces:
            assert piece["offset"] in {0, len(text)}
            text = text[: piece["offset"]] + piece["text"]
        return text


@pytest.fixture
async def heard(redis: Redis, redis_url: str) -> AsyncIterator[Heard]:
    """Listen on the task's channel."""
    found = Heard()
    client: Redis = Redis.from_url(redis_url)
    channel = client.pubsub()
    await channel.subscribe(task_channel(TASK))

    async def listen() -> None:
        async for message in channel.listen():
            if message["type"] == "message":
                found.messages.append(orjson.loads(message["data"]))

    task = asyncio.create_task(listen())
    yield found
    stop_streaming()
    await stop_publishing()
    task.cancel()
    await asyncio.wait({task})
    await channel.aclose()  # type: ignore[no-untyped-call]
    await client.aclose()


def about(kind: str) -> PartTold:
    """Return what tells of a content of the concept."""
    return {**part_told(key=str(CONCEPT), kind=kind, version=1), "concept_id": str(CONCEPT)}


def say(text: str, offset: int, *, kind: str = "tutorial") -> None:
    """Stream a piece of the tutorial."""
    stream_text(TASK, about(kind), offset=offset, text=text)


def ending(kind: str = "tutorial") -> dict[str, Any]:
    """Return the event that a content is completed."""
    return {"seq": 7, "task_id": str(TASK), "type": "content_completed", "data": about(kind)}


async def test_pieces_are_gathered(heard: Heard) -> None:
    """Many pieces of a content become a few messages, and nothing of the text is lost."""
    whole = "".join(f"word {n} " for n in range(1000))
    for at in range(0, len(whole), 7):
        say(whole[at : at + 7], at)
        if at % 700 == 0:
            await asyncio.sleep(0.005)

    async def complete() -> bool:
        return heard.text() == whole

    await until(complete, what="the whole text")
    assert len(heard.pieces) <= 8
    for message in heard.messages:
        assert isinstance(TypeAdapter(StreamEvent).validate_python(message), ContentDelta)
        assert "seq" not in message


async def test_a_new_try_begins_anew(heard: Heard) -> None:
    """Offset 0 replaces what was gathered of the try before."""
    say("the ", 0)
    say("first try", 4)
    say("again", 0)
    say(" and again", 5)

    async def second() -> bool:
        return heard.text() == "again and again"

    await until(second)
    assert "first try" not in orjson.dumps(heard.messages).decode()


async def test_an_ended_content_says_no_more(heard: Heard) -> None:
    """What is gathered is forgotten with the content's end; other contents go on."""
    for kind in ("tutorial", "quiz"):
        say("a", 0, kind=kind)
        say("b", 1, kind=kind)
    forget([ending()])
    publish_events([ending()])

    async def quiz() -> bool:
        return [p["text"] for p in heard.pieces if p["kind"] == "quiz"] == ["a", "b"]

    await until(quiz)
    assert [p["text"] for p in heard.pieces if p["kind"] == "tutorial"] == ["a"]
    forget([{"type": "task_failed", "task_id": str(TASK), "data": {}}])
    assert deltas._all_deltas.get()._gathered == {}


async def test_what_ended_leaves_nothing(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A content that streams no more costs nothing, also when nobody told its end."""
    monkeypatch.setattr(deltas, "INTERVAL_S", 0.02)
    say("a", 0)
    say("b", 1)

    async def heard_and_empty() -> bool:
        return heard.text() == "ab" and not deltas._all_deltas.get()._gathered

    await until(heard_and_empty)


async def test_too_much_is_dropped(heard: Heard) -> None:
    """Text that comes faster than it can be shown is bounded, and the hole has an offset."""
    before = TRANSIENT_DROPPED._value.get()
    say("x", 0)
    for number in range(3):
        say("y" * (LARGEST_PIECE // 2 + 1), 1 + number * (LARGEST_PIECE // 2 + 1))

    async def last() -> bool:
        return len(heard.pieces) == 2

    await until(last)
    assert heard.pieces[1]["offset"] == 1 + 2 * (LARGEST_PIECE // 2 + 1)
    assert TRANSIENT_DROPPED._value.get() == before + 2


async def test_text_keeps_its_place_among_events(heard: Heard) -> None:
    """A delta comes after the events before it, and before those after it."""
    publish_events([{**ending(), "seq": 1, "type": "content_started"}])
    say("text", 0)
    publish_events([{**ending(), "seq": 2}])

    async def all_there() -> bool:
        return len(heard.messages) == 3

    await until(all_there)
    assert [m["type"] for m in heard.messages] == [
        "content_started",
        "content_delta",
        "content_completed",
    ]


async def test_text_never_displaces_an_event(
    settings_env: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full buffer drops text before any event; while Redis is away text is not even kept."""
    monkeypatch.setattr(publisher, "BUFFER", 10)
    settings_env.setenv("ROADMAP_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    dropped, lost = publisher.DROPPED._value.get(), TRANSIENT_DROPPED._value.get()
    for number in range(5):
        publisher.publish_transient({"task_id": TASK, "text": str(number)})
    for seq in range(10):
        publish_events([{**ending(), "seq": seq}])
    mine = publisher._publishers.get()
    assert [orjson.loads(message.body)["seq"] for message in mine._buffer] == list(range(10))
    assert publisher.DROPPED._value.get() == dropped
    assert TRANSIENT_DROPPED._value.get() == lost + 5

    async def failing() -> bool:
        return mine._failing

    await until(failing)
    publisher.publish_transient({"task_id": TASK, "text": "late"})
    assert TRANSIENT_DROPPED._value.get() == lost + 6
    await stop_publishing()


async def test_streaming_never_raises(heard: Heard) -> None:
    """Whatever goes wrong, whoever writes the content does not notice."""
    say("nonsense", -1)
    stream_text(TASK, None, offset=0, text="x")  # type: ignore[arg-type]
    await asyncio.to_thread(say, "no loop here", 0)
    assert heard.pieces == []
