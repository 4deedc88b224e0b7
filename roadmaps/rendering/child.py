"""The process in which texts are rendered: reads Markdown, writes HTML, until its parent is gone.

A message is its length in four bytes and the text in UTF-8, both ways. Whoever wrote the text is a
stranger, so the process has no secrets, little memory, and little CPU time for each text: the
kernel kills it when that is used up, also in the middle of a regular expression.
"""

from __future__ import annotations

import select
import signal
import sys
from contextlib import suppress
from typing import IO, Final

MEMORY_BYTES: Final = 768 * 1024 * 1024
IDLE_S: Final = 60.0
"""After which it ends; it is started again when it is needed."""
HEAD_BYTES: Final = 4


def main(cpu_s: float) -> None:
    """Serve until standard input ends, or nothing was asked for a minute.

    Args:
        cpu_s: CPU time for one text; who needs more is killed.
    """
    _bind_memory()
    from roadmaps.rendering.markdown import to_html

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while select.select([source], [], [], IDLE_S)[0]:
        text = read_message(source)
        if text is None:
            return
        _allow(cpu_s)
        html = to_html(text)
        _allow(0)
        write_message(sink, html)


def read_message(source: IO[bytes]) -> str | None:
    """Return the next message; None when there will be no more."""
    head = source.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        return None
    body = source.read(int.from_bytes(head))
    return body.decode() if len(body) == int.from_bytes(head) else None


def write_message(sink: IO[bytes], text: str) -> None:
    """Write a message."""
    body = text.encode()
    sink.write(len(body).to_bytes(HEAD_BYTES) + body)
    sink.flush()


def _bind_memory() -> None:
    with suppress(ImportError, ValueError, OSError):  # not every system knows, or allows, it
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow(seconds: float) -> None:
    """Be killed by the kernel after so much CPU time; 0 takes that back."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)
