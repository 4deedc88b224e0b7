"""Where an answer ends: told too early, told by nobody, or cut off behind its last word."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from core.provider_errors import ProviderUnavailableError
from core.settings import Settings
from llm.openai_compatible import OpenAIAuthor
from tests.integration.llm.calls import tutorial

if TYPE_CHECKING:
    from llm import Completion
    from roadmaps.kinds.tutorial import Tutorial

TEXT = "# Hello\n\nSome words \U0001f600."
GOOD = json.dumps({"markdown": TEXT}, ensure_ascii=False)
THIRDS = [GOOD[:9], GOOD[9:20], GOOD[20:]]
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = json.dumps({"choices": [{"message": {"content": GOOD}, "finish_reason": "stop"}]}).encode()
END = b"0\r\n\r\n"


def sent(data: bytes) -> bytes:
    """Return one chunk of a body of unknown length."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(content: str, finish: str | None = None) -> bytes:
    """Return one event of a stream."""
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


@dataclass
class Script:
    """A server that sends the same pieces for every request; `hangs` keeps the line open then."""

    pieces: list[bytes | float]
    hangs: bool = False
    asked: int = 0
    port: int = 0
    waiting: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        size = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(size))
        self.asked += 1
        for piece in self.pieces:
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
            else:
                await asyncio.sleep(piece)
        if self.hangs:
            self.waiting.append(writer)
        else:
            writer.close()


async def ask(script: Script, *, watched: bool) -> tuple[Completion[Tutorial], str]:
    """Ask for a tutorial, and return it with the text that was shown meanwhile."""
    shown = ""

    def on_text(offset: int, text: str) -> None:
        nonlocal shown
        shown = shown[:offset] + text

    async with await asyncio.start_server(script.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        given: dict[str, Any] = {"llm_provider": "openai", "llm_api_key": "sk-canary-0123"}
        given |= {"llm_base_url": f"http://127.0.0.1:{port}/v1", "llm_timeout_s": 5}
        author = OpenAIAuthor(Settings.model_validate(given), backoff_s=0.01)
        try:
            if not watched:
                return await author.complete(tutorial()), ""
            answer = await author.stream(tutorial(), field="markdown", on_text=on_text)
            return answer, shown
        finally:
            await author.aclose()
            for writer in script.waiting:
                writer.close()


@pytest.mark.parametrize("pause_s", [0.0, 0.6])
async def test_an_end_that_is_told_with_each_chunk_ends_nothing(pause_s: float) -> None:
    """Some gateways give a reason to finish with every chunk; the text goes on all the same."""
    events = [part for each in THIRDS for part in (sent(event(each, "stop")), pause_s)]
    script = Script([STREAM, *events, sent(b"data: [DONE]\n\n"), END])

    answer, shown = await ask(script, watched=True)

    assert answer.value.markdown == shown == TEXT
    assert script.asked == 1


async def test_nobody_waits_for_more_than_the_whole_answer() -> None:
    """A server that tells the end and then keeps the line open costs a second."""
    events = [*map(event, THIRDS), event("", "stop")]
    script = Script([STREAM, *map(sent, events)], hangs=True)

    answer, _ = await asyncio.wait_for(ask(script, watched=True), 4)

    assert answer.value.markdown == TEXT
    assert script.asked == 1


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CUT_OFF: dict[str, list[bytes | float]] = {
    "no last chunk": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + sent(WHOLE)],
    "a length that is too large": [HEAD + b"Content-Length: %d\r\n\r\n" % (len(WHOLE) + 2), WHOLE],
    "a stream without its end": [STREAM, *(sent(event(each)) for each in THIRDS)],
}


@pytest.mark.parametrize("how", CUT_OFF)
async def test_a_whole_answer_counts_though_its_connection_broke(how: str) -> None:
    """What is missing is HTTP's own end; asking again would cost the same once more."""
    script = Script(CUT_OFF[how])

    answer, _ = await ask(script, watched=how.startswith("a stream"))

    assert answer.value.markdown == TEXT
    assert script.asked == answer.usage.calls == 1


@pytest.mark.parametrize("finish", [None, "stop"])
async def test_half_an_answer_whose_connection_broke_is_asked_for_again(finish: str | None) -> None:
    """Whatever reason to finish came with its beginning; it is no misfit that could be repaired."""
    script = Script([STREAM, sent(event(GOOD[:20], finish))])

    with pytest.raises(ProviderUnavailableError, match="broke"):
        await ask(script, watched=True)
    assert script.asked == 6
