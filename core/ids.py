"""Identifiers: UUIDv7, ordered by time, as RFC 9562 lays them out."""

from __future__ import annotations

import os
import time
import uuid
from typing import Final

_AT_ONCE: Final = 640
_NOISE: Final = 10
_noise: Final[list[bytes]] = []
"""Random bytes that no id has yet: a roadmap takes hundreds of ids, and asking takes longer than
the rest of one."""
# a forked child would give its ids what its parent gives its own
os.register_at_fork(after_in_child=_noise.clear)


def new_id() -> uuid.UUID:
    """Return a new UUIDv7: 48 bits of Unix milliseconds, version, 74 random bits."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80
    noise = int.from_bytes(_more_noise())
    value |= 0x7 << 76 | (noise >> 62 & 0xFFF) << 64
    value |= 0b10 << 62 | noise & (1 << 62) - 1
    return uuid.UUID(int=value)


def _more_noise() -> bytes:
    try:
        return _noise.pop()
    except IndexError:  # each piece is taken once, whichever thread asks
        first, *others = _pieces(os.urandom(_AT_ONCE))
        _noise.extend(others)
        return first


def _pieces(data: bytes) -> list[bytes]:
    return [data[at : at + _NOISE] for at in range(0, len(data), _NOISE)]
