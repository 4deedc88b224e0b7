"""A model's server in a process of its own: it answers after CALL_S, streams where it is asked to.

Written on bare sockets, so that its own cost is small beside that of whoever asks.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from functools import cache, lru_cache
from typing import Any, Final

from bench.answers import answer, concepts_in
from bench.contestants.timing import CALL_S

PIECES: Final = 16
"""In how many a stream's text comes: one for some dozen tokens, as networks put them together."""
_LENGTH: Final = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_NAME: Final = re.compile(rb'"json_schema":\s*\{\s*"name":\s*"(\w+)"')
_STREAM: Final = re.compile(rb'"stream":\s*true')
_END_OF_HEAD: Final = b"\r\n\r\n"
_USAGE: Final = {"prompt_tokens": 900, "completion_tokens": 900, "total_tokens": 1800}
_TOLD: Final = {"id": "chatcmpl-1", "created": 1, "model": "bench"}


@lru_cache(maxsize=1000)
def _whole(kind: str, concepts: int) -> bytes:
    message = {"role": "assistant", "content": answer(kind, concepts=concepts)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    told = {**_TOLD, "object": "chat.completion", "choices": [choice], "usage": _USAGE}
    body = json.dumps(told).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + _END_OF_HEAD + body


def _event(**told: Any) -> bytes:
    data = f"data: {json.dumps({**_TOLD, 'object': 'chat.completion.chunk', **told})}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


@cache
def _streamed(kind: str) -> list[bytes]:
    text = answer(kind)
    size = -(-len(text) // PIECES)
    pieces = [
        _event(choices=[{"index": 0, "delta": {"content": text[at : at + size]}}])
        for at in range(0, len(text), size)
    ]
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    ends = _event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    pieces[0] = head + pieces[0]
    pieces[-1] += ends + _event(choices=[], usage=_USAGE) + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    return pieces


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._data = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(_END_OF_HEAD)) >= 0:
            told = _LENGTH.search(self._data, 0, end)
            size = end + len(_END_OF_HEAD) + (int(told[1]) if told else 0)
            if len(self._data) < size:
                return
            body = bytes(self._data[end:size])
            del self._data[:size]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        named = _NAME.search(body)
        kind = named[1].decode() if named else ""
        loop = asyncio.get_running_loop()
        if _STREAM.search(body):
            pieces = _streamed(kind)
            for number, piece in enumerate(pieces, 1):
                loop.call_later(CALL_S * number / len(pieces), self._write, piece)
        else:
            asked = concepts_in(body.decode()) if kind == "curriculum_design" else 0
            loop.call_later(CALL_S, self._write, _whole(kind, asked))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


async def main() -> None:
    """Listen on a free port, and tell the address."""
    server = await asyncio.get_running_loop().create_server(
        _Connection, "127.0.0.1", 0, backlog=4096
    )
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.platform != "win32":
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
