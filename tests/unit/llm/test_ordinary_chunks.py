"""Ordinary chunks are read by a short way; whatever a chunk says, it is what the long way reads."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, Final

import pytest

from core.provider_errors import ProviderError
from llm import reply as reading
from llm.chunks import ordinary_piece
from llm.failures import TransientError
from llm.reply import Reply, ReplyReader
from llm.text_field import TextField

PLAIN: Final[dict[str, Any]] = {
    "id": "1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": " a word"}, "finish_reason": None}],
}
ORDINARY: Final[dict[str, Any]] = {
    "OpenAI": {"usage": None, "service_tier": "default", "system_fingerprint": "f"},
    "padded": {"obfuscation": "xyz"},
    "first": {"choices.0.delta.role": "assistant"},
    "empty": {"choices.0.delta.content": ""},
    "vLLM": {"choices.0.delta.reasoning_content": None, "choices.0.stop_reason": None},
    "DeepSeek": {"choices.0.logprobs": None, "choices.0.delta.reasoning_content": None},
    "OpenRouter": {"provider": "p", "choices.0.native_finish_reason": None},
    "Azure": {"choices.0.content_filter_results": {"hate": {"filtered": False}}},
    "other letters": {"choices.0.delta.content": "caf\u00e9 \U0001f600 \u0000"},
    "a rounded number": {"created": 2**70},
}
OTHERS: Final[dict[str, Any]] = {
    "tokens": {"usage": {"prompt_tokens": 3, "completion_tokens": 4}},
    "Groq's tokens": {"x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}},
    "its own tokens": {"choices.0.usage": {"prompt_tokens": 3, "completion_tokens": 4}},
    "Gemini's tokens": {"usageMetadata": {"totalTokenCount": 4}},
    "its end": {"choices.0.finish_reason": "stop"},
    "cut": {"choices.0.native_finish_reason": "MAX_TOKENS"},
    "filtered": {"choices.0.finish_details": {"type": "content_filter"}},
    "a refusal": {"choices.0.delta.refusal": "No."},
    "thoughts": {"choices.0.delta.reasoning": "Hm."},
    "a call": {
        "choices.0.delta.tool_calls": [{"index": 0, "function": {"arguments": "{}"}}],
        "choices.0.delta.content": "",
    },
    "no text": {"choices.0.delta.content": None},
    "parts": {"choices.0.delta.content": [{"type": "text", "text": "a"}]},
    "nothing": {"choices.0.delta": {}},
    "the whole again": {"choices.0.delta": {}, "choices.0.message": {"content": "all"}},
    "an old text": {"choices.0.delta": None, "choices.0.text": "old"},
    "no choice": {"choices": []},
    "an odd choice": {"choices": ["a"]},
    "an error": {"error": {"message": "overloaded", "code": 503}},
    "an inner error": {"choices.0.error": {"message": "overloaded", "code": 503}},
    "half a character": {"choices.0.delta.content": "\ud83d"},
    "in an envelope": {"data": PLAIN, "choices": None},
    "unknown": {"from_tomorrow": 1},
}
TWO: Final = {**PLAIN, "choices": [*PLAIN["choices"], {"index": 1, "delta": {"content": "b"}}]}


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the plain chunk with something put in at some places."""
    chunk = deepcopy(PLAIN)
    for path, value in changes.items():
        *way, last = path.split(".")
        at: Any = chunk
        for name in way:
            at = at[int(name) if name.isdigit() else name]
        at[last] = value
    return chunk


def read(lines: list[str]) -> Reply | str:
    """Return what is read of a stream, or the error that it is taken for."""
    pieces: list[str] = []
    reader = ReplyReader(key="none", on_content=pieces.append)
    try:
        for line in lines:
            reader.feed(f"{line}\n\n".encode("utf-8", "surrogatepass"))
        reply = reader.reply()
    except (ProviderError, TransientError) as error:
        return f"{type(error).__name__}: {error}"
    assert "".join(pieces) in {reply.content, reply.content.rstrip("\ud83d")}
    return reply


@pytest.mark.parametrize("name", ORDINARY)
def test_what_is_ordinary(name: str) -> None:
    """Chunks as vendors send them by the thousand are read by the short way."""
    chunk = changed(ORDINARY[name])
    line = f"data: {json.dumps(chunk)}".encode()
    assert ordinary_piece(line) == chunk["choices"][0]["delta"]["content"]


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not(name: str) -> None:
    """What says anything else is read with care."""
    assert ordinary_piece(f"data: {json.dumps(changed(OTHERS[name]))}".encode()) is None
    assert ordinary_piece(f"data: {json.dumps(TWO)}".encode()) is None
    assert ordinary_piece(f"data: {json.dumps(changed({'choices.0.index': 1}))}".encode()) is None


@pytest.mark.parametrize("name", [*ORDINARY, *OTHERS])
def test_both_ways_read_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk between others gives the same answer, tokens, end and errors by either way."""
    odd = json.dumps(changed((ORDINARY | OTHERS)[name]))
    plain, broken = json.dumps(PLAIN), '{"choices": [{"delta":'
    streams = [
        [f"data: {plain}", f"data: {odd}", f"data:{plain}", "data: [DONE]", f"data: {plain}"],
        [f"data: {odd}", ": alive", f"event: x\ndata: {odd}", f" data: {plain}"],
        [f"data: {broken}", f"data: {odd}", f"data: {broken}\ndata: {plain}"],
        ["\n".join(f"data: {line}" for line in json.dumps(PLAIN, indent=1).splitlines()), odd],
    ]
    quickly = [read(stream) for stream in streams]
    monkeypatch.setattr(reading, "ordinary_piece", lambda _line: None)
    assert [read(stream) for stream in streams] == quickly


@pytest.mark.parametrize(
    "words", ["as it is", "two\nlines", "caf\u00e9", 'a \\" quote', "\\n", '"']
)
def test_words_of_a_text_are_handed_on(words: str) -> None:
    """A piece without any sign of JSON is text as it stands; another is read sign by sign."""
    text, whole = TextField("text"), TextField("text")
    pieces = ['{"text": "', "so ", words, " on", '"}']
    assert "".join(map(text.feed, pieces)) == whole.feed("".join(pieces))
