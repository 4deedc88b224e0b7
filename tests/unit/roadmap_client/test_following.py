"""Following a task through everything that a network does."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from roadmap_client import NotFoundError, RoadmapClient, RoadmapError, UnreachableError, following

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

TASK = "01990000-0000-7000-8000-000000000000"


async def follow(client: RoadmapClient, **options: Any) -> list[int | None]:
    """Return the numbers of all events."""
    return [event.seq async for event in client.follow(TASK, **options)]


def full_log(event: Make, length: int = 8) -> list[dict[str, Any]]:
    """Return a log that ends."""
    return [*(event(seq) for seq in range(1, length)), event(length, "task_completed")]


async def test_cut_streams_are_resumed(
    client: RoadmapClient, script: Any, event: Make, sse: Make
) -> None:
    """However often the connection is cut, each event comes once and in order."""
    script.log = full_log(event)
    half_a_frame = sse(script.log[3])[:-9]
    script.streams = [b"", sse(*script.log[:3]), half_a_frame, sse(*script.log[3:4])]
    assert await follow(client) == list(range(1, 9))
    assert [asked.query["after"] for asked in script.paths("/stream")] == ["0", "0", "3", "3", "4"]


async def test_repeated_and_misplaced_events(
    client: RoadmapClient, script: Any, event: Make, sse: Make
) -> None:
    """A stream that repeats, skips or swaps events does not get through with it."""
    script.log = full_log(event)
    one, two, three, four = script.log[:4]
    script.streams = [sse(one, one, two), sse(four, three), sse(one, two, three)]
    assert await follow(client) == list(range(1, 9))


async def test_a_pause_that_is_asked_for_is_kept(
    client: RoadmapClient, script: Any, event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that is refused for a while is asked for after that while, up to half a minute."""
    monkeypatch.setattr(following, "LONGEST_HINT_S", 0.3)
    script.log = full_log(event)
    script.streams = [b"HTTP/1.1 429 Whatever\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"]
    began = time.monotonic()
    assert await follow(client) == list(range(1, 9))
    assert time.monotonic() - began >= 0.3
    assert len(script.paths("/stream")) == 2


async def test_polling_where_no_stream_comes_through(
    client: RoadmapClient, script: Any, event: Make
) -> None:
    """After a few streams that brought nothing the log is polled."""
    script.log = full_log(event)
    script.streams = [503, 503, 200] + [503] * 20
    assert await follow(client) == list(range(1, 9))
    assert len(script.paths("/stream")) == following.STREAM_TRIES
    assert script.paths("/events")[0].query["wait"] != "0"


async def test_purged_events_do_not_hold_it_up(
    client: RoadmapClient, script: Any, event: Make
) -> None:
    """What retention took from the log is left out, not waited for."""
    script.log = full_log(event)[4:]
    assert await follow(client) == [5, 6, 7, 8]


async def test_the_end_of_an_earlier_attempt_is_not_the_end(
    client: RoadmapClient, script: Any, event: Make
) -> None:
    """A terminal event that a retry follows does not end it; the last one does."""
    kinds = ["task_queued", "task_failed", "task_retried", "task_completed"]
    script.log = [event(seq, kind) for seq, kind in enumerate(kinds, 1)]
    assert await follow(client) == [1, 2, 3, 4]
    assert await follow(client, after=4) == []


async def test_transient_events_are_an_option(
    client: RoadmapClient, script: Any, event: Make, sse: Make
) -> None:
    """`content_delta` has no number: passed on when wanted, left out otherwise."""
    script.log = full_log(event, 2)
    delta = event(None, "content_delta", data={"text": "Own"})
    script.streams = [sse(script.log[0], delta, script.log[1])] * 2
    assert await follow(client) == [1, 2]
    seen = [e async for e in client.follow(TASK, transient=True)]
    assert [e.seq for e in seen] == [1, None, 2]
    assert seen[1].data == {"text": "Own"}


async def test_types_of_tomorrow_pass_through(
    client: RoadmapClient, script: Any, event: Make
) -> None:
    """Unknown types and fields come out as they came in."""
    script.log = [event(1, "concept_illustrated", colour="red"), event(2, "task_completed")]
    async with aclosing(client.follow(TASK)) as events:
        first = await anext(events)
    assert (first.type, first.document()) == ("concept_illustrated", script.log[0])
    assert not first.terminal


async def test_trouble_is_told_and_endured(
    client: RoadmapClient, script: Any, event: Make, sse: Make
) -> None:
    """While the API is away the caller hears of it, and of its return; nothing is lost."""
    script.log = full_log(event)
    script.streams = [sse(*script.log[:2]), 503, 503]
    told: list[RoadmapError | None] = []
    assert await follow(client, on_trouble=told.append) == list(range(1, 9))
    assert told[-1] is None
    assert {getattr(error, "status", None) for error in told[:-1]} == {503}


async def test_it_gives_up_after_the_patience(script: Any, client: RoadmapClient) -> None:
    """An API that stays away ends it with a typed error."""
    script.streams = [503] * 10_000
    script.respond = lambda _asked: None
    with pytest.raises(UnreachableError, match="has not answered"):
        await follow(client, patience_s=0.2)


async def test_an_unknown_task_ends_it_at_once(script: Any, client: RoadmapClient) -> None:
    """What trying again cannot mend is raised."""
    script.streams = [404]
    with pytest.raises(NotFoundError):
        await follow(client)
    assert len(script.asked) == 1


async def test_another_servers_404_is_endured(
    client: RoadmapClient, script: Any, event: Make, sse: Make
) -> None:
    """What a proxy says while the API starts anew is not the API's word about the task."""
    script.log = full_log(event)
    absent = b"HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n404 page not found"
    script.streams = [sse(*script.log[:2]), absent, absent]
    assert await follow(client) == list(range(1, 9))
    script.streams = [absent]
    with pytest.raises(NotFoundError):
        await follow(client)  # an address that never was the API's


async def test_it_follows_to_another_address(
    script: Any, client: RoadmapClient, event: Make
) -> None:
    """A caller that learns of the API's new address moves the client there in the middle."""
    script.log = full_log(event)
    lost = RoadmapClient("http://127.0.0.1:1", retries=0)
    try:
        seen = lost.follow(TASK, on_trouble=lambda _e: lost.move(script.url))
        assert [e.seq async for e in seen] == list(range(1, 9))
    finally:
        await lost.aclose()
