"""The addresses of what the API has, and the parameters of a request."""

from __future__ import annotations

import uuid
from typing import Any, Final
from urllib.parse import quote

BASE: Final = "/api/v1"


def task_path(task_id: str) -> str:
    """Return where a task is."""
    return f"{BASE}/tasks/{segment(task_id)}"


def roadmap_path(roadmap_id: str) -> str:
    """Return where a roadmap is."""
    return f"{BASE}/roadmaps/{segment(roadmap_id)}"


def part_path(task_id: str, step: str, key: str) -> str:
    """Return where a part is."""
    return f"{task_path(task_id)}/parts/{segment(step)}/{segment(key)}"


def segment(word: str) -> str:
    """Return a word as a part of an address, also one that would lead to another folder.

    Raises:
        ValueError: It is empty: that would be the address of something else.
    """
    word = str(word or "")  # of a `UUID`, too
    if not word:
        raise ValueError("An id, name or key is empty, as from a variable that is not set.")
    quoted = quote(word, safe="")
    return quoted.replace(".", "%2E") if word in {".", ".."} else quoted


def key_header(idempotency_key: str | None) -> dict[str, str]:
    """Return the header with a request's key, which is a new one unless it is given.

    Raises:
        ValueError: No header can carry the key.
    """
    key = idempotency_key or str(uuid.uuid4())
    if not (key.isascii() and key.isprintable()):
        raise ValueError(f"The Idempotency-Key {key!r} has characters other than printable ASCII.")
    return {"Idempotency-Key": key}


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Return what was given of the things that may be left out."""
    return {name: value for name, value in values.items() if value is not None}
