"""Whether a local address answers, whoever listens there."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from cli.probes import answer_of, http_ok

if TYPE_CHECKING:
    from collections.abc import Iterator

NO = b"HTTP/1.1 503 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
STRANGE = {
    "something else than HTTP": b"-ERR unknown command 'GET'\r\n",
    "half an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "a line without end": b"HTTP/1.1 200 " + b"x" * 70_000,
    "nothing": b"",
}


@contextmanager
def listening(answer: bytes) -> Iterator[str]:
    """Answer one connection with these bytes and close it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def test_an_answer_that_says_no_is_read_and_closed() -> None:
    """Python warns of one that is left open, and tests take warnings for errors."""
    with listening(NO) as url:
        assert answer_of(url, timeout_s=10) == (503, b"no")
    with listening(NO) as url:
        assert not http_ok(url)


@pytest.mark.parametrize("answer", STRANGE.values(), ids=STRANGE)
def test_a_stranger_on_the_port_is_no_answer(answer: bytes) -> None:
    """What listens where the API is looked for may be anything; it ends no command."""
    with listening(answer) as url:
        assert not http_ok(url)
