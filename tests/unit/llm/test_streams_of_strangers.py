"""Streams that hold more than one answer's chunks, and answers of other APIs."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest

from core.provider_errors import ProviderAddressError
from llm.failures import TransientError
from llm.reply import Reply, ReplyReader


def piece(text: str | None, index: Any = 0, **more: Any) -> dict[str, Any]:
    """Return a choice of a chunk."""
    return {"index": index, "delta": {"content": text}, **more}


def streamed(*data: Any, end: str = "data: [DONE]\n\n") -> Reply:
    """Return what is read of a stream of such data."""
    reader = ReplyReader(key="none")
    for each in data:
        reader.feed(f"data: {json.dumps(each)}\n\n".encode())
    reader.feed(end.encode())
    return reader.reply()


def whole(text: str) -> Reply:
    """Return what is read of an answer that comes in one piece."""
    reader = ReplyReader(key="none")
    reader.feed(text.encode())
    return reader.reply()


def of(*choices: dict[str, Any]) -> dict[str, Any]:
    """Return a chunk."""
    return {"choices": list(choices)}


END = of(piece(None, 0, finish_reason="stop"))


@pytest.mark.parametrize(
    "chunks",
    [
        [of(piece("a")), of(piece("X", 1)), of(piece("b")), of(piece("Y", 1)), END],
        [of(piece("a"), piece("X", 1)), of(piece("Y", 1), piece("b")), END],
        [of(piece("X", 1), piece("a")), of(piece("b")), END],
        [of(piece("a")), of(piece("X", 1, finish_reason="stop")), of(piece("b")), END],
        [of(piece("a", None)), of(piece("X", 1)), of(piece("b", None)), END],
        [of(piece("a", 1)), of(piece("b", 1)), of(piece(None, 1, finish_reason="stop"))],
        [of(piece("a", 1)), of(piece("X", 0)), of(piece("b", 1))],
    ],
    ids=[
        *("interleaved", "side by side", "the other way round", "the other ends first"),
        *("without a number", "another number", "the other begins"),
    ],
)
def test_one_of_several_choices_is_read(chunks: list[dict[str, Any]]) -> None:
    """Texts of two answers are never mixed into one."""
    assert streamed(*chunks).content == "ab"


def test_the_first_choice_of_a_body_is_read() -> None:
    """Wherever it stands among the others."""
    choices = [{"index": n, "message": {"content": f"text {n}"}} for n in (1, 0, 2)]
    assert whole(json.dumps({"choices": choices})).content == "text 0"


def test_several_chunks_may_come_as_one_list() -> None:
    """In one event; what tells of an error is one there, too."""
    assert streamed([of(piece("a")), of(piece("b"))], of(piece("c")), END).content == "abc"
    with pytest.raises(TransientError, match="busy"):
        streamed([of(piece("a")), {"error": {"message": "too busy", "code": 503}}])


@pytest.mark.parametrize(
    "beat",
    [
        {"message": "keep-alive"},
        {"message": "still working"},
        {"type": "ping", "message": "heartbeat"},
        {"status": "processing", "msg": "正在生成"},
    ],
)
def test_a_sign_of_life_is_no_failure(beat: dict[str, Any]) -> None:
    """Words in which nothing is wrong, before the answer and within; alone they are no answer."""
    assert streamed(beat, of(piece("a")), beat, of(piece("b")), END).content == "ab"
    with pytest.raises(TransientError):
        streamed(beat)
    with pytest.raises(TransientError):
        streamed(of(piece("a")), beat, end="")


@pytest.mark.parametrize(
    "wrong",
    [
        {"message": "Internal server error"},
        {"message": "server overloaded"},
        {"code": 500, "message": "keep-alive"},
        {"detail": "keep-alive"},
        {"type": "error", "message": "keep-alive"},
    ],
)
def test_what_says_that_something_is_wrong_ends_the_stream(wrong: dict[str, Any]) -> None:
    """At once, whatever would follow."""
    reader = ReplyReader(key="none")
    with pytest.raises(TransientError):
        reader.feed(f"data: {json.dumps(wrong)}\n\n".encode())


ANTHROPIC = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "x"}]}
GEMINI = {"candidates": [{"content": {"parts": [{"text": "x"}]}}], "usageMetadata": {}}
RESPONSES: dict[str, Any] = {
    "object": "response",
    "status": "completed",
    "error": None,
    "output": [],
}
OLLAMA = {"model": "m", "message": {"role": "assistant", "content": "x"}, "done": False}
OTHERS = {
    "Anthropic's messages": (ANTHROPIC, "https://api.anthropic.com/v1"),
    "Anthropic's stream": ({"type": "message_start", "message": ANTHROPIC}, "anthropic.com/v1"),
    "Gemini": (GEMINI, "https://generativelanguage.googleapis.com/v1beta/openai"),
    "Gemini's list": ([GEMINI], "https://generativelanguage.googleapis.com/v1beta/openai"),
    "responses": (RESPONSES, "before /responses"),
    "responses' stream": ({"type": "response.created", "response": RESPONSES}, "/responses"),
    "Ollama's chat": (OLLAMA, "http://HOST:11434/v1"),
    "Ollama's generate": ({"model": "m", "response": "x", "done": True}, "http://HOST:11434/v1"),
    "DashScope": ({"output": {"text": "x"}, "request_id": "1"}, "compatible-mode/v1"),
    "Cohere": ({"message": {"content": [{"type": "text", "text": "x"}]}}, "compatibility/v1"),
    "llama.cpp": ({"content": "x", "stop": True}, "http://HOST:8080/v1"),
    "Hugging Face": ([{"generated_text": "x"}], "/v1"),
}


@pytest.mark.parametrize("form", ["{}", "data: {}\n\n"], ids=["body", "stream"])
@pytest.mark.parametrize("name", OTHERS)
def test_another_api_is_called_by_its_name(name: str, form: str) -> None:
    """With the address to use instead; trying again would only be paid for."""
    data, address = OTHERS[name]
    with pytest.raises(ProviderAddressError) as caught:
        whole(form.replace("{}", json.dumps(data)))
    assert address in str(caught.value)
    assert "ROADMAP_LLM_BASE_URL" in str(caught.value)


def test_lines_of_another_api_are_known_too() -> None:
    """Ollama streams so by itself."""
    with pytest.raises(ProviderAddressError, match="Ollama"):
        whole(f"{json.dumps(OLLAMA)}\n" * 2)


SAID = "Hello! If the model does not exist, or for an invalid API key, the quota is exceeded."


@pytest.mark.parametrize("indent", [None, 2])
def test_half_an_answer_is_not_judged_by_its_words(indent: int | None) -> None:
    """Wherever a plain answer is cut off, it may be asked for again: its words are the model's."""
    message = {"role": "assistant", "content": json.dumps({"markdown": SAID})}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    body = json.dumps({"id": "x", "object": "chat.completion", "choices": [choice]}, indent=indent)
    for end in range(1, len(body)):
        reply = None
        with contextlib.suppress(TransientError):
            reply = whole(body[:end])
        assert reply is None or message["content"].startswith(reply.content)


def test_a_long_line_costs_what_it_is_long() -> None:
    """Whatever its pieces are, it is searched once for its end: twice the line, twice the time."""

    def seconds(size: int) -> float:
        reader = ReplyReader(key="none", media_type="text/event-stream")
        before = time.process_time()
        for _ in range(size // 1000):
            reader.feed(b": " + b"x" * 998)
        return time.process_time() - before

    assert seconds(7_000_000) < 10 * max(seconds(1_000_000), 0.01)


def test_a_return_at_the_end_of_a_piece_ends_its_line() -> None:
    """Also where nothing of the next piece ends one."""
    reader = ReplyReader(key="none")
    for part in ("a", "b"):
        reader.feed(f"data: {json.dumps(of(piece(part)))}\r".encode())
    reader.feed(b": still")
    assert reader.reply().content == "ab"
