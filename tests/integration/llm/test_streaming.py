"""Streams against a real HTTP server: one request per text, whatever the server makes of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from core.provider_errors import (
    ContentInvalidError,
    ContentRefusedError,
    ContentTruncatedError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from llm import Call, Completion
from roadmaps.kinds.quiz import QuizDraft
from roadmaps.kinds.tutorial import Tutorial
from tests.model_rules import Rule
from tests.prompts import content_inputs, prompt_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm.openai_compatible import OpenAIAuthor
    from tests.model_server import ModelServer

    MakeAuthor = Callable[..., OpenAIAuthor]

TITLE = '\u4e2d\U0001f600 "quoted" \\ back\tslash \U0001f680'
CONTENT = content_inputs(title=TITLE)


class Viewer:
    """Somebody who reads along, and begins anew whenever the text does."""

    def __init__(self) -> None:
        self.text = ""
        self.pieces: list[tuple[int, str]] = []
        self.begun = asyncio.Event()

    def __call__(self, offset: int, text: str) -> None:
        """Take a piece where it belongs."""
        assert offset in {0, len(self.text)}, "a hole"
        self.text = self.text[:offset] + text
        self.pieces.append((offset, text))
        self.begun.set()

    @property
    def starts(self) -> int:
        """How often the text began."""
        return sum(offset == 0 for offset, _ in self.pieces)


async def streamed(author: OpenAIAuthor, viewer: Viewer) -> Completion[Tutorial]:
    """Ask for a tutorial and let somebody read along."""
    call = Call(prompt=prompt_of("tutorial", CONTENT), output=Tutorial)
    return await author.stream(call, field="markdown", on_text=viewer)


@pytest.mark.parametrize("pieces", [1, 3, 400])
async def test_the_text_comes_in_pieces_from_one_request(
    server: ModelServer, author_for: MakeAuthor, pieces: int
) -> None:
    """However small the pieces are, together they are the text, and its tokens are counted."""
    server.rules.append(Rule("ok", pieces=pieces))
    viewer = Viewer()

    completion = await streamed(author_for(), viewer)

    assert viewer.text == completion.value.markdown
    assert TITLE in viewer.text
    assert len(viewer.pieces) <= pieces
    assert len(viewer.pieces) >= pieces // 8
    assert completion.usage.calls == len(server.ledger) == 1
    assert completion.usage.tokens == server.ledger[0].tokens
    body = server.requests[0]
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert body["response_format"]["type"] == "json_schema"


async def test_the_first_text_comes_long_before_the_last(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """What is there is shown while the rest is being written."""
    server.rules.append(Rule("ok", pieces=10, seconds=0.05))
    viewer = Viewer()
    call = asyncio.ensure_future(streamed(author_for(), viewer))

    await asyncio.wait_for(viewer.begun.wait(), 5)
    assert not call.done()
    assert server.ledger[0].outcome == "ok"
    assert (await call).value.markdown.startswith(viewer.pieces[0][1])


async def test_connections_are_used_again(server: ModelServer, author_for: MakeAuthor) -> None:
    """A stream is read to its end, so the next one needs no new connection."""
    author = author_for()
    for _ in range(3):
        await streamed(author, Viewer())
    assert server.connections == 1


@pytest.mark.parametrize("behaviour", ["no_done", "no_end", "garbage_lines", "late_close"])
async def test_a_stream_that_ends_oddly_is_used_all_the_same(
    server: ModelServer, author_for: MakeAuthor, behaviour: str
) -> None:
    """Without [DONE], without a reason, with lines that are no chunks, or never closed."""
    server.rules.append(Rule(behaviour))
    viewer = Viewer()
    started = time.monotonic()

    completion = await streamed(author_for(), viewer)

    assert viewer.text == completion.value.markdown
    assert len(server.ledger) == 1
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("behaviour", ["fenced", "prose", "thinking", "nul", "html"])
async def test_what_only_needs_cleaning_is_shown_clean(
    server: ModelServer, author_for: MakeAuthor, behaviour: str
) -> None:
    """Fences, prose, thoughts, NUL and lone surrogates are not shown to anybody."""
    server.rules.append(Rule(behaviour))
    viewer = Viewer()

    completion = await streamed(author_for(), viewer)

    assert viewer.text == completion.value.markdown
    viewer.text.encode()
    assert "\x00" not in viewer.text


@pytest.mark.parametrize("behaviour", ["ok", "json_as_stream"])
async def test_a_server_that_ignores_the_wish_is_not_asked_twice(
    server: ModelServer, author_for: MakeAuthor, behaviour: str
) -> None:
    """A plain answer is read as one, whatever it is labelled; there is only nothing to show."""
    if behaviour == "ok":
        server.ignores.add("stream")
    server.rules.append(Rule(behaviour))
    viewer = Viewer()

    completion = await streamed(author_for(), viewer)

    assert TITLE in completion.value.markdown
    assert viewer.pieces == []
    assert completion.usage.calls == len(server.ledger) == 1


async def test_tokens_that_are_not_told_are_not_invented(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """A server that overlooks stream_options costs calls, and no tokens that anybody knows of."""
    server.ignores.add("stream_options")
    completion = await streamed(author_for(), Viewer())
    assert (completion.usage.calls, completion.usage.tokens) == (1, 0)


@pytest.mark.parametrize(
    ("refuses", "requests"),
    [
        ({"stream"}, 2),
        ({"stream_options"}, 2),
        ({"json_schema"}, 2),
        ({"json_schema", "json_object"}, 3),
        ({"max_tokens"}, 2),
        ({"stream", "stream_options", "json_schema", "json_object", "max_tokens"}, 5),
    ],
)
async def test_what_a_server_refuses_is_left_out_from_then_on(
    server: ModelServer, author_for: MakeAuthor, refuses: set[str], requests: int
) -> None:
    """A refusal costs one request in a process's life; the schema then stands in the prompt."""
    server.refuses |= refuses
    author = author_for()
    call = Call(prompt=prompt_of("tutorial", CONTENT), output=Tutorial, max_tokens=99)

    async def ask() -> Completion[Tutorial]:
        return await author.stream(call, field="markdown", on_text=Viewer())

    first = await ask()
    assert first.usage.calls == len(server.ledger) == requests
    for _ in range(2):
        assert (await ask()).value == first.value
    assert len(server.ledger) == requests + 2
    last = server.requests[-1]
    if "json_schema" in refuses:
        assert '<schema name="tutorial">' in last["messages"][0]["content"]
    assert ("stream" in last) is ("stream" not in refuses)


async def test_calls_at_the_same_time_learn_from_one_refusal(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """All were refused json_schema at once; none of them takes JSON mode away for it."""
    server.refuses.add("json_schema")
    author = author_for()
    await asyncio.gather(*(streamed(author, Viewer()) for _ in range(8)))
    assert server.outcomes().count("ok") == 8
    assert {r["response_format"]["type"] for r in server.requests} == {"json_schema", "json_object"}
    assert server.requests[-1]["response_format"]["type"] == "json_object"


async def test_a_repair_begins_the_text_anew(server: ModelServer, author_for: MakeAuthor) -> None:
    """The text of the second answer stands at 0 again, and replaces the first."""
    server.rules += [Rule("truncated", times=1), Rule("status", status=500, times=1)]
    viewer = Viewer()

    completion = await streamed(author_for(), viewer)

    assert viewer.starts == 2
    assert viewer.text == completion.value.markdown
    assert server.outcomes() == ["truncated", "status_500", "ok"]


@pytest.mark.parametrize(
    ("behaviour", "error", "requests"),
    [
        ("garbage", ContentInvalidError, 3),
        ("wrong_shape", ContentInvalidError, 3),
        ("empty", ContentInvalidError, 3),
        ("nested", ContentInvalidError, 3),
        ("huge", ContentInvalidError, 3),
        ("truncated", ContentTruncatedError, 2),
        ("refusal", ContentRefusedError, 1),
        ("content_filter", ContentRefusedError, 1),
        ("refused_in_stream", ContentRefusedError, 1),
        ("error_in_stream", ProviderUnavailableError, 6),
        ("stream_cut", ProviderUnavailableError, 6),
        ("cut", ProviderUnavailableError, 6),
        ("not_json", ProviderUnavailableError, 6),
        ("no_choices", ProviderUnavailableError, 6),
        ("error_in_200", ProviderUnavailableError, 6),
    ],
)
async def test_failures_of_streams_have_the_class_that_others_have(
    server: ModelServer,
    author_for: MakeAuthor,
    behaviour: str,
    error: type[ProviderError],
    requests: int,
) -> None:
    """Asked again as often as without a stream, and no more."""
    server.rules.append(Rule(behaviour))

    with pytest.raises(error) as caught:
        await streamed(author_for(), Viewer())

    assert server.outcomes() == [behaviour] * requests
    assert caught.value.details["usage"].calls == requests


@pytest.mark.parametrize("behaviour", ["endless", "stalls", "hang"])
async def test_a_stream_has_a_deadline_as_a_whole(
    server: ModelServer, author_for: MakeAuthor, behaviour: str
) -> None:
    """Bytes that keep coming, or stop coming, do not hold a call beyond its limit."""
    server.rules.append(Rule(behaviour))
    started = time.monotonic()

    with pytest.raises(ProviderTimeoutError):
        await streamed(author_for(llm_timeout_s=0.2), Viewer())

    assert time.monotonic() - started < 3
    await asyncio.wait_for(server.until(connections=0), 5)


async def test_a_stream_that_is_cancelled_in_the_middle_is_closed(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """The server sees within a second that nobody listens any more."""
    server.rules.append(Rule("endless"))
    viewer = Viewer()
    call = asyncio.ensure_future(streamed(author_for(), viewer))
    await asyncio.wait_for(viewer.begun.wait(), 5)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    await asyncio.wait_for(server.until(connections=0), 1)
    assert server.outcomes() == ["client_gone"]


async def test_whoever_does_not_stream_gets_the_same(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """`complete` asks for no stream, and reads one that comes unasked."""
    call = Call(prompt=prompt_of("quiz", CONTENT), output=QuizDraft)
    assert (await author_for().complete(call)).value.questions
    assert "stream" not in server.requests[0]
