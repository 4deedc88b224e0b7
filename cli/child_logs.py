"""Where the children's output goes: a bounded file each, and what matters to our stderr."""

from __future__ import annotations

import json
import os
import re
import selectors
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from core.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE_LIMIT_BYTES: Final = 5 * 1024 * 1024
"""A log above this becomes `<name>.log.1`, replacing the one before."""
_TAIL_LINES: Final = 12
_CHUNK: Final = 65536
_LONGEST_LINE: Final = 16384
_IMPORTANT: Final = re.compile(r"\b(ERROR|CRITICAL|FATAL)\b")
_IMPORTANT_LEVELS: Final = frozenset({"error", "critical", "exception"})


class LogPump:
    """Reads all children's output in one thread, so that no child ever blocks on a full pipe.

    Args:
        folder: Where `<name>.log` files go.
        forward: Called with a child's name and a line that people should see.
        everything: Forward all lines, not only errors.
    """

    def __init__(
        self, folder: Path, *, forward: Callable[[str, str], None], everything: bool = False
    ) -> None:
        """Start the thread."""
        self._folder = folder
        self._forward = forward
        self._everything = everything
        self._selector = selectors.DefaultSelector()
        self._waker_read, self._waker_write = os.pipe()
        self._selector.register(self._waker_read, selectors.EVENT_READ, None)
        self._sinks: dict[str, _Sink] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="child-logs", daemon=True)
        self._thread.start()

    def open(self, name: str) -> int:
        """Return a descriptor to write a child's output to; close it once the child has it."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        with self._lock:
            sink = self._sinks.get(name)
            if sink is None:
                sink = self._sinks[name] = _Sink(name, self._folder / f"{name}.log")
            self._selector.register(reader, selectors.EVENT_READ, sink)
        os.write(self._waker_write, b".")
        return writer

    def tail(self, name: str) -> list[str]:
        """Return the last lines a child wrote."""
        sink = self._sinks.get(name)
        return list(sink.recent) if sink is not None else []

    def close(self) -> None:
        """Read what is left and end the thread."""
        os.write(self._waker_write, b"x")
        self._thread.join(timeout=2.0)
        for sink in self._sinks.values():
            sink.close()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    if b"x" in os.read(self._waker_read, 64):
                        self._drain_all()
                        return
                else:
                    self._read(key.fd, key.data)

    def _drain_all(self) -> None:
        with self._lock:
            keys = [key for key in self._selector.get_map().values() if key.data is not None]
        for key in keys:
            self._read(key.fd, key.data)

    def _read(self, descriptor: int, sink: _Sink) -> None:
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            with self._lock:
                self._selector.unregister(descriptor)
            os.close(descriptor)
            return
        for line in sink.take(data):
            if shown := readable(line, everything=self._everything):
                self._forward(sink.name, shown)


@dataclass(slots=True)
class _Sink:
    """One child's log: the file, the unfinished line, the last lines."""

    name: str
    path: Path
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    _rest: bytes = b""
    _file: BinaryIO | None = None

    def take(self, data: bytes) -> list[str]:
        """Write what came and return the lines that are complete."""
        self._write(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        texts = [line.decode(errors="replace").rstrip() for line in lines]
        texts = [text for text in texts if text]
        self.recent.extend(texts)
        return texts

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, data: bytes) -> None:
        """Append, setting a log aside that has grown too large.

        A full disk must not stop the children: what cannot be written is dropped, and the next
        write tries again.
        """
        try:
            if self._file is not None and self._file.tell() > FILE_LIMIT_BYTES:
                self.close()
                self.path.replace(self.path.with_suffix(".log.1"))
            if self._file is None:
                descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                self._file = os.fdopen(descriptor, "ab", buffering=0)
            self._file.write(data)
        except OSError:
            self.close()


def readable(line: str, *, everything: bool) -> str | None:
    """Return a log line as people read it, or None when it is not worth their attention.

    JSON lines become `level event key=value …`; others stay. Nothing in them acts on a terminal.
    Unless `everything` is asked for, only errors are worth it.
    """
    record = _record(line)
    if record is None:
        return one_line(line) if everything or _IMPORTANT.search(line) else None
    level = str(record.pop("level", "info")).lower()
    if not everything and level not in _IMPORTANT_LEVELS:
        return None
    event = record.pop("event", "")
    for noise in ("timestamp", "logger", "exception"):
        record.pop(noise, None)
    facts = " ".join(f"{key}={value}" for key, value in record.items())
    return one_line(f"{level}: {event} {facts}").rstrip()


def _record(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
