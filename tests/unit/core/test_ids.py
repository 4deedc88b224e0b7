"""Identifiers are UUIDv7."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from core.ids import new_id

if TYPE_CHECKING:
    import pytest


def test_version_and_variant() -> None:
    """Each is an RFC 9562 UUID of version 7, and none comes twice."""
    made = [new_id() for _ in range(2000)]
    assert {key.version for key in made} == {7}
    assert {key.variant for key in made} == {uuid.RFC_4122}
    assert len(set(made)) == len(made)


def test_time_is_in_front() -> None:
    """The first 48 bits are the Unix time in milliseconds."""
    before = time.time_ns() // 1_000_000
    key = new_id()
    after = time.time_ns() // 1_000_000
    assert before <= key.int >> 80 <= after


def test_ordered_by_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two ids the one of the later millisecond is the greater, also past 2038."""
    made = []
    for now_ms in (1, 1_700_000_000_000, 1_700_000_000_001, 2**41, 2**48 - 1):
        monkeypatch.setattr(time, "time_ns", lambda now_ms=now_ms: now_ms * 1_000_000)
        made.append(new_id())
    assert made == sorted(made)
    assert [str(key) for key in made] == sorted(str(key) for key in made)
