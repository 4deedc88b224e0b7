"""Small files that people write by hand, in whatever encoding, or one clear sentence."""

from __future__ import annotations

import codecs
import os
import select
import stat
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

LARGEST: Final = 1_000_000
"""Bytes; nobody writes more by hand, and some devices have no end."""
PATIENCE_S: Final = 10.0
"""How long a pipe may take to say all that it has to say."""


class UnreadableTextError(ValueError):
    """A file is not text; the message says in which line, and what to do."""


def read_text(path: Path) -> str:
    """Return a file's text: UTF-8, or UTF-16 as PowerShell writes it, with or without a mark.

    Bytes that are not UTF-8 come as surrogates, so that whoever reads can name their line.

    Raises:
        OSError: It cannot be read.
        UnreadableTextError: It is UTF-16 that ends in the middle of a character, or has no end.
            So is a pipe that nobody writes or closes.
    """
    if stat.S_ISFIFO(path.stat().st_mode):
        octets = _read_pipe(path)
    else:
        with path.open("rb") as file:
            octets = file.read(LARGEST + 1)
    if len(octets) > LARGEST:
        raise UnreadableTextError(f"is larger than {LARGEST:,} bytes; name a file written by hand")
    return decoded(octets).replace("\r\n", "\n").replace("\r", "\n")


def decoded(octets: bytes) -> str:
    """Return what octets say, as `read_text` does, with the ends of lines that they have.

    Raises:
        UnreadableTextError: They are UTF-16 that ends in the middle of a character.
    """
    encoding, mark = next(
        ((name, mark) for mark, name in _MARKS if octets.startswith(mark)), ("", b"")
    )
    octets = octets.removeprefix(mark)
    if not encoding:
        encoding = _by_its_zeros(octets)
    try:
        errors = "surrogateescape" if encoding == "utf-8" else "strict"
        return octets.decode(encoding, errors)
    except UnicodeDecodeError:
        raise UnreadableTextError("is not text that can be read; save it as UTF-8") from None


def _read_pipe(path: Path) -> bytes:
    """Return what is written into a pipe until its writers have closed it.

    Opening one to read waits for a writer, without end. So it is opened without that, and waited
    for afterwards, within a limit.
    """
    octets, end = b"", time.monotonic() + PATIENCE_S
    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while len(octets) <= LARGEST:
            ready, _, _ = select.select([pipe], [], [], max(0, end - time.monotonic()))
            if not ready:
                said = (
                    "is a pipe into which nobody wrote"
                    if not octets
                    else "is a pipe that nobody closed"
                )
                raise UnreadableTextError(f"{said} for {PATIENCE_S:g} s")
            read = os.read(pipe, LARGEST)
            if not read:
                break
            octets += read
    finally:
        os.close(pipe)
    return octets


def bad_line(text: str) -> int | None:
    """Return the first line that was not UTF-8, counted from 1."""
    for number, line in enumerate(text.split("\n"), 1):
        if any("\udc80" <= each <= "\udcff" for each in line):
            return number
    return None


def _by_its_zeros(octets: bytes) -> str:
    """Guess UTF-16 without a mark: plain words have a zero in every second byte."""
    start = octets[:64]
    if len(start) > 1 and start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    if len(start) > 1 and start[::2].count(0) > len(start) // 4:
        return "utf-16-be"
    return "utf-8"
