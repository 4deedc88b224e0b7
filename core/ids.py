"""Identifiers: UUIDv7, ordered by time, as RFC 9562 lays them out."""

from __future__ import annotations

import os
import time
import uuid


def new_id() -> uuid.UUID:
    """Return a new UUIDv7: 48 bits of Unix milliseconds, version, 74 random bits."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80
    noise = int.from_bytes(os.urandom(10))  # one call for all: a roadmap takes hundreds of ids
    value |= 0x7 << 76 | (noise >> 62 & 0xFFF) << 64
    value |= 0b10 << 62 | noise & (1 << 62) - 1
    return uuid.UUID(int=value)
