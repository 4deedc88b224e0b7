"""A completion is read however it is laid out: ends of lines, events, envelopes, no dress."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.provider_errors import ProviderError
from llm.failures import TransientError
from llm.reply import Reply, ReplyReader

TEXT = '{"answer": "caf\u00e9 \U0001f600"}'
USAGE = {"prompt_tokens": 3, "completion_tokens": 4}


def chunks() -> list[dict[str, Any]]:
    """Return a completion in pieces, and its tokens."""
    pieces: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]}
        for part in (TEXT[:5], TEXT[5:12], TEXT[12:])
    ]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return [*pieces, end, {"choices": [], "usage": USAGE}]


def body() -> dict[str, Any]:
    """Return it as one."""
    message = {"role": "assistant", "content": TEXT}
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": USAGE}


def in_lines(chunk: dict[str, Any]) -> str:
    """Return an event whose data goes over many lines."""
    return "".join(f"data: {line}\n" for line in json.dumps(chunk, indent=1).splitlines()) + "\n"


def stream(end: str = "\n\n") -> str:
    """Return it as a stream with other ends of lines."""
    return "".join(f"data: {json.dumps(chunk)}{end}" for chunk in chunks()) + f"data: [DONE]{end}"


LAYOUTS = {
    "lines end with CR": stream("\r\r"),
    "lines end with CR and LF": stream("\r\n\r\n"),
    "no empty lines": stream("\n"),
    "many lines of data": "".join(map(in_lines, chunks())) + "data: [DONE]\n\n",
    "many lines, no end": "".join(map(in_lines, chunks())).rstrip(),
    "a body with words of a gateway behind it": f"{json.dumps(body())}\n<!-- by [us] {{x}} -->",
    "a body with words of a gateway before it": f"<b>Notice</b>: x in y{json.dumps(body())}",
    "chunks without dress": "\n".join(map(json.dumps, chunks())),
    "noise between": "data: {broken\n\n: sign of life\n\n" + stream(),
    "a byte order mark": "\ufeff" + json.dumps(body()),
    "a byte order mark before a stream": "\ufeff" + stream(),
    "dressed twice": stream().replace("data: ", "data: data: "),
    "an envelope": json.dumps({"code": 200, "msg": "ok", "data": body()}),
    "another envelope": json.dumps({"output": body(), "request_id": "x"}),
    "chunks in envelopes": "".join(f"data: {json.dumps({'data': c})}\n\n" for c in chunks()),
}


def read(text: str | bytes, *, step: int, media_type: str = "") -> Reply:
    """Return what is read of bytes that come in pieces."""
    reader = ReplyReader(key="none", media_type=media_type)
    data = text if isinstance(text, bytes) else text.encode()
    for at in range(0, len(data), step):
        reader.feed(data[at : at + step])
    return reader.reply()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_a_completion_is_read_in_every_layout(layout: str, step: int) -> None:
    """Text, end and tokens are the same, wherever its bytes are cut."""
    reply = read(LAYOUTS[layout], step=step)
    assert (reply.content, reply.finish_reason) == (TEXT, "stop")
    assert reply.whole
    assert reply.usage.completion_tokens == 4


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Ollama is running", "provider_address_wrong"),
        ("Invalid token", "provider_unauthorized"),
        ('data: {"error":\ndata: {"message": "invalid api key"}}\n\n', "provider_unauthorized"),
        ("event: error\ndata: Invalid API key provided\n\n", "provider_unauthorized"),
        ('event: error\ndata: {"code": 402, "reason": "no"}\n\n', "provider_quota_exhausted"),
        ('event: error\ndata: {"error": {"code": 402}}', "provider_quota_exhausted"),
        (
            f'data: {json.dumps(chunks()[0])}\n\n{{"error": {{"message": "unpaid account"}}}}',
            "provider_quota_exhausted",
        ),
        (': x\n\nerror: {"code": 400, "message": "prompt is too long"}', "context_too_long"),
        (
            f"data: {json.dumps(chunks()[0])}\n\nevent: error\ndata: insufficient balance\n\n",
            "provider_quota_exhausted",
        ),
    ],
)
def test_words_with_200_are_what_they_say(text: str, code: str) -> None:
    """At the first request, not after six."""
    with pytest.raises(ProviderError) as raised:
        read(text, step=5)
    assert raised.value.code == code


def test_other_words_may_pass() -> None:
    """Nobody knows what they mean."""
    with pytest.raises(TransientError):
        read("one moment", step=3)


def test_signs_that_end_lines_elsewhere_end_none_here() -> None:
    """A text may hold them as they are; only LF parts chunks without dress."""
    said = '{"answer": "one\u2028two\u0085three"}'
    pieces = [said[:14], said[14:]]
    chunked = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    lines = "\r\n".join(json.dumps(each, ensure_ascii=False) for each in chunked)
    assert read(lines, step=9).content == said


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("gb18030", "GB18030"), ("utf-16", "utf-16"), ("utf-8", "ISO-8859-1"), ("utf-8", "nonsense")],
)
def test_a_body_is_read_as_it_is_declared_where_it_is_not_utf_8(
    encoding: str, declared: str
) -> None:
    """Many servers declare what they do not send; JSON is UTF-8 as long as it can be that."""
    whole = json.dumps(body() | {"model": "\u4e2d\u6587"}, ensure_ascii=False)
    whole = whole.replace(json.dumps(TEXT), json.dumps(TEXT, ensure_ascii=False))
    media_type = f'application/json; charset="{declared}"'
    reply = read(whole.encode(encoding), step=100, media_type=media_type)
    assert reply.content == TEXT
