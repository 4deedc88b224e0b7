"""How the scripted language model sends what it says: whole, in a stream, or broken."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REASONS: Final = {200: "OK", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
LONG_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
)
_STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_HTML: Final = (
    '<script>alert("x")</script><img src=x onerror=alert(1)> [link](javascript:alert(1)) '
)

BODIES: Final = {
    "not_json": b"<html>starting</html>",
    "no_choices": b'{"id": "x", "choices": []}',
    "error_in_200": b'{"error": {"message": "overloaded", "code": 502}}',
}

REFUSALS: Final[dict[str, tuple[int, dict[str, Any]]]] = {
    "stream": (400, {"error": {"message": "Streaming is not supported here.", "param": None}}),
    "stream_options": (
        422,
        {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
    ),
    "json_schema": (
        400,
        {"error": {"message": "This response_format type is unavailable now", "code": None}},
    ),
    "json_object": (400, {"code": 20024, "message": "Json mode is not supported for this model."}),
    "max_tokens": (
        400,
        {
            "error": {
                "message": "Unsupported parameter: 'max_tokens' is not supported with this model."
                " Use 'max_completion_tokens' instead.",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            }
        },
    ),
}
"""What servers say when they refuse a part of a request, in the words of real ones."""

STREAM_FAULTS: Final = frozenset(
    {
        *("no_done", "no_end", "stream_cut", "endless", "stalls", "garbage_lines"),
        *("error_in_stream", "refused_in_stream", "late_close", "json_as_stream"),
    }
)


def asked_for(request: dict[str, Any]) -> set[str]:
    """Return what of a request may be refused."""
    shape = (request.get("response_format") or {}).get("type")
    return {name for name in REFUSALS if request.get(name)} | ({shape} if shape else set())


def choice_of(behaviour: str, good: str) -> dict[str, Any]:
    """Return the choice of a completion, made from a good answer as the behaviour wants it."""
    writers: dict[str, Callable[[str], str | None]] = {
        "truncated": lambda text: text[: len(text) // 2],
        "fenced": lambda text: f"```json\n{text}\n```",
        "prose": lambda text: f"\ufeffSure! Here it is:\n\n{text}\n\nAnything else?",
        "thinking": lambda text: f'<think>\nIt wants {{"markdown": "x"}}\n</think>\n\n{text}',
        "garbage": lambda _: "I had rather talk about the weather.",
        "wrong_shape": lambda _: '{"unexpected": true}',
        "empty": lambda _: None,
        "refusal": lambda _: None,
        "content_filter": lambda _: "",
        "huge": lambda text: text[:-1] + ', "padding": "' + "x" * 5_000_000 + '"}',
        "nul": lambda text: re.sub(r'(": ")', r"\1\\u0000\\ud800", text),
        "nested": lambda _: '{"a":' * 10_000 + "1" + "}" * 10_000,
        "html": _with_html,
    }
    content = writers[behaviour](good) if behaviour in writers else good
    finish = {"truncated": "length", "content_filter": "content_filter"}.get(behaviour, "stop")
    refusal = "I cannot help with that." if behaviour == "refusal" else None
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {"index": 0, "finish_reason": finish, "message": message}


def scripted(behaviour: str, body: str | None, good: str) -> dict[str, Any] | None:
    """Return the choice that a rule spells out, if it does."""
    if body is None:
        return None
    if behaviour == "says":
        message = {"role": "assistant", "content": body.replace("GOOD", good), "refusal": None}
        return {"index": 0, "finish_reason": "stop", "message": message}
    if behaviour == "choice":
        told: dict[str, Any] = json.loads(body.replace("GOOD", json.dumps(good)[1:-1]))
        return {"index": 0, "finish_reason": "stop", **told}
    return None


def completion(choice: dict[str, Any], tokens: int) -> bytes:
    """Return the body of a completion."""
    body = {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 0,
        "model": "test",
        "choices": [choice],
        "usage": _usage(tokens),
    }
    return json.dumps(body).encode()


async def send(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    *,
    more: dict[str, str] | None = None,
) -> None:
    """Send an answer."""
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(more or {})}
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    await writer.drain()


async def send_stream(
    writer: asyncio.StreamWriter,
    choice: dict[str, Any],
    *,
    fault: str = "",
    pieces: int = 8,
    pause_s: float = 0.0,
    tokens: int | None = None,
) -> None:
    """Send a completion as a stream of chunks.

    Args:
        writer: To whom.
        choice: What.
        fault: One of `STREAM_FAULTS`.
        pieces: In how many parts the content comes; they end anywhere, also within a character.
        pause_s: Between two parts.
        tokens: Told in a last chunk, when given.
    """
    writer.write(_STREAM_HEAD)
    if fault == "json_as_stream":
        _part(writer, completion(choice, tokens or 0))
        writer.write(b"0\r\n\r\n")
        return
    message = choice["message"]
    text = message.get("content") or ""
    whole = {} if isinstance(text, str) else {"content": text}
    first = {"role": "assistant", **message, "content": "", **whole}
    _chunk(writer, {"choices": [{"index": 0, "delta": first, "finish_reason": None}]})
    parts = list(_parts("" if whole else text, pieces))
    for number, part in enumerate(parts):
        delta = {"index": 0, "delta": {"content": part}, "finish_reason": None}
        if number == len(parts) // 2 and await _breaks(writer, fault):
            return
        _chunk(writer, {"choices": [delta]})
        await writer.drain()
        await asyncio.sleep(pause_s)
    while fault == "endless":
        _chunk(writer, {"choices": [{"index": 0, "delta": {"content": " "}}]})
        await writer.drain()
        await asyncio.sleep(0.02)
    if fault != "no_end":
        end = {**choice, "delta": {}, "message": None}
        _chunk(writer, {"choices": [end]})
        if tokens is not None:
            _chunk(writer, {"choices": [], "usage": _usage(tokens)})
        if fault != "no_done":
            _part(writer, b"data: [DONE]\n\n")
    if fault == "late_close":
        await writer.drain()
        await asyncio.Event().wait()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def trickle(writer: asyncio.StreamWriter) -> None:
    """Send a body that never ends, a byte at a time."""
    writer.write(LONG_HEAD)
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _breaks(writer: asyncio.StreamWriter, fault: str) -> bool:
    """Do what a fault does in the middle of a stream; tell whether the stream is over."""
    match fault:
        case "stream_cut":
            await writer.drain()
            writer.transport.close()
            return True
        case "stalls":
            await writer.drain()
            await asyncio.Event().wait()
        case "garbage_lines":
            for line in (
                b"garbage\n",
                b"data: {broken\n\n",
                b": ping\n\n",
                b"data:\n\n",
                b"\xff\n",
            ):
                _part(writer, line)
        case "error_in_stream" | "refused_in_stream":
            code = "server_error" if fault == "error_in_stream" else "content_filter"
            _chunk(writer, {"error": {"message": "something happened", "code": code}})
            writer.write(b"0\r\n\r\n")
            return True
    return False


def _parts(content: str, count: int) -> Iterator[str]:
    """Cut a text by UTF-16 units, as providers do: the halves of a pair may come apart."""
    units = content.encode("utf-16-le", "surrogatepass")
    size = 2 * max(1, -(-len(units) // 2 // count))
    for at in range(0, len(units), size):
        yield units[at : at + size].decode("utf-16-le", "surrogatepass")


def _chunk(writer: asyncio.StreamWriter, data: dict[str, Any]) -> None:
    body = {"id": "chatcmpl-test", "object": "chat.completion.chunk", **data}
    _part(writer, b"data: " + json.dumps(body).encode() + b"\n\n")


def _part(writer: asyncio.StreamWriter, data: bytes) -> None:
    # In two writes, so that a reader sees lines that end later.
    for half in (data[: len(data) // 2], data[len(data) // 2 :]):
        if half:
            writer.write(f"{len(half):x}\r\n".encode() + half + b"\r\n")


def _usage(tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": tokens // 2,
        "completion_tokens": tokens - tokens // 2,
        "total_tokens": tokens,
    }


def _with_html(text: str) -> str:
    fields = r'("(?:markdown|title|summary|description|why|question)": ")'
    return re.sub(fields, lambda found: found[1] + json.dumps(_HTML)[1:-1], text)
