"""Has texts rendered by one child process, one at a time, within a time limit."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM
from time import monotonic
from typing import Final

from prometheus_client import Counter

from core.logging import get_logger
from core.loop_local import ProcessLocal
from roadmaps.rendering.child import HEAD_BYTES, read_message
from roadmaps.rendering.rules import VERSION, as_plain_html

log = get_logger(__name__)

CPU_S = 2.0
"""CPU time for one text; 200,000 characters of ordinary Markdown take 0.8 s."""
WALL_S = 20.0
"""How long one text may take, however busy the machine is."""
PATIENCE_S: Final = 30.0
"""How long somebody waits for their turn and their text together."""
LARGEST_HTML: Final = 4_000_000
_END_S: Final = 1.0
"""How long a child that has closed its output takes to end, at most."""
_NOT_BY_TEXTS: Final = frozenset({0, *(-end for end in (SIGHUP, SIGINT, SIGKILL, SIGTERM))})
"""Exit codes that tell nothing about a text: idle for long, or ended by somebody, such as a kernel
without memory. What a text takes too much of ends the child by `SIGPROF` or an error."""
RENDERED: Final = Counter(
    "roadmap_texts_rendered_total",
    "Texts rendered: `ok`, `plain` when the text was too much, `failed` when no process did it.",
    ["outcome"],
)
_BOOT: Final = (
    "import sys; limit, *sys.path = sys.argv[1:];"
    " from roadmaps.rendering.child import main; main(float(limit))"
)
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Rendered:
    """HTML that is safe to show, and whether it may be kept.

    `version` is the renderer's; None when no process could be had, so that it is tried again.
    """

    html: str
    version: int | None


class _Child:
    """A child that renders, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, text: bytes) -> str | None:
        """Return the HTML of a text; None when the child did not live to tell, because of the text.

        Raises:
            OSError: No process could be started, or kept.
        """
        if self._process is not None and self._has_ended(self._process):
            self.close()
        try:
            return self._ask(self._process or self._start(), text)
        except ChildProcessError:  # it ended in the very moment in which it was asked
            return self._ask(self._start(), text)

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written yet goes nowhere
                    pipe.close()

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, str(CPU_S), *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            start_new_session=True,  # Ctrl-C in a terminal is for its parent, with whom it ends
        )
        return self._process

    @staticmethod
    def _has_ended(process: subprocess.Popen[bytes]) -> bool:
        """Tell whether a child that was idle for long has ended: it says nothing unasked."""
        return process.stdout is None or bool(select.select([process.stdout], [], [], 0)[0])

    def _ask(self, process: subprocess.Popen[bytes], text: bytes) -> str | None:
        """Return the HTML of a text; None when the text was too much for the child.

        Raises:
            ChildProcessError: Somebody ended the child, or it ended since it had been idle.
            TimeoutError: It was not at its limit and yet took too long: the machine was asleep or
                had no time for it.
        """
        took_too_long = threading.Event()

        def stop() -> None:
            took_too_long.set()
            process.kill()

        # a child that is stuck is killed by this timer, so that neither write nor read hangs
        timer = threading.Timer(WALL_S, stop)
        timer.start()
        try:
            answer = exchange(process, text)
        except (OSError, ValueError):
            answer = None
        finally:
            timer.cancel()
        if answer is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)
            ended = process.returncode
            self.close()
            if took_too_long.is_set():
                raise TimeoutError(WALL_S)
            if ended in _NOT_BY_TEXTS:
                raise ChildProcessError(ended)
        return answer


def exchange(process: subprocess.Popen[bytes], text: bytes) -> str | None:
    """Send a text and return what comes back; None when the process ended instead."""
    source, sink = process.stdout, process.stdin
    if source is None or sink is None:
        return None
    sink.write(len(text).to_bytes(HEAD_BYTES) + text)
    sink.flush()
    return read_message(source)


class _Renderer:
    """One child and the thread that speaks with it; a forked process has its own."""

    def __init__(self) -> None:
        self.child = _Child()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="renderer")

    def render(self, markdown: str, since: float) -> Rendered:
        """Return a text's HTML; it is not begun for somebody who has waited too long."""
        if monotonic() - since > PATIENCE_S / 2:
            RENDERED.labels("failed").inc()
            return Rendered(as_plain_html(markdown), None)
        try:
            html = self.child.ask(markdown.encode(errors="replace"))
        except OSError as error:
            RENDERED.labels("failed").inc()
            log.warning("renderer_failed", error=type(error).__name__)
            return Rendered(as_plain_html(markdown), None)
        if html is None or len(html) > LARGEST_HTML:
            RENDERED.labels("plain").inc()
            log.warning("text_rendering_failed", characters=len(markdown))
            return Rendered(as_plain_html(markdown), VERSION)
        RENDERED.labels("ok").inc()
        return Rendered(html, VERSION)


_renderer: Final = ProcessLocal(_Renderer)


async def render(markdown: str) -> Rendered:
    """Return a text's HTML, made in another process; a hostile text comes back as plain text."""
    renderer = _renderer.get()
    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(renderer.thread, renderer.render, markdown, monotonic())
    try:
        return await asyncio.wait_for(asyncio.shield(future), PATIENCE_S)
    except TimeoutError:
        return Rendered(as_plain_html(markdown), None)


def close_renderer() -> None:
    """End the child, if there is one."""
    known = _renderer.pop()
    if known is not None:
        known.child.close()
        known.thread.shutdown(wait=False, cancel_futures=True)
