"""A command on a real pseudo-terminal, and what a person would see of it."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


def _as_shells_do() -> None:
    """Take the terminal; let Ctrl-C count, which whoever runs in the background ignores."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """Runs a command on a terminal of its own; a thread reads what it draws.

    Args:
        args: The command.
        cwd: Its working folder.
        env: Its environment.
        size: Columns and lines.
    """

    def __init__(
        self,
        args: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        size: tuple[int, int] = (100, 50),
    ) -> None:
        columns, lines = size
        self.raw = b""
        self._screen = pyte.HistoryScreen(columns, lines, history=5000)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process = subprocess.Popen(
            args,
            cwd=cwd,
            env={**env, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_as_shells_do,  # noqa: PLW1509 - no threads yet there
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def text(self) -> str:
        """Return everything that is or was on the screen, without trailing blanks."""
        with self._lock:
            history = [
                "".join(line[column].data for column in range(self._screen.columns))
                for line in self._screen.history.top
            ]
            return "\n".join(line.rstrip() for line in [*history, *self._screen.display])

    def wait_for(self, what: str | Callable[[str], bool], *, within_s: float = 60) -> str:
        """Wait until a text, or what a function looks for, is on the screen; return the screen."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            text = self.text()
            if what in text if isinstance(what, str) else what(text):
                return text
            time.sleep(0.02)
        raise AssertionError(f"{what!r} did not come:\n{self.text()}")

    def type(self, keys: str) -> None:
        """Type keys: a carriage return is Enter, character 3 is Ctrl-C."""
        os.write(self._ours, keys.encode())

    def wait(self, *, within_s: float = 60) -> int:
        """Wait for the end; return the exit code."""
        code = self.process.wait(within_s)
        self._reader.join(5)
        return code

    def interrupt(self) -> int:
        """Press Ctrl-C, as people do again when nothing happens; return the exit code.

        A signal that comes in the moment before a prompt begins to wait is seen by Python only
        with the next key.
        """
        for _ in range(20):
            self.type("\x03")
            with suppress(subprocess.TimeoutExpired):
                return self.wait(within_s=3)
        raise AssertionError(f"Ctrl-C did not end it:\n{self.text()}")

    def close(self) -> None:
        """End it if it still runs."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._reader.join(5)
        os.close(self._ours)

    def _read(self) -> None:
        with suppress(OSError):  # EIO: nobody has the other end any more
            while data := os.read(self._ours, 65536):
                with self._lock:
                    self.raw += data
                    self._stream.feed(data)
