"""Shows in the log what a model said: bounded, with nothing that acts, and never the key."""

from __future__ import annotations

from typing import Final

from core.redaction import redact
from core.visible import visible

_LONGEST: Final = 2000
_SHORTEST_SECRET: Final = 6
"""A placeholder key such as "none" is no secret; cutting it out would garble the text."""


def quoted(text: str, *, key: str = "") -> str:
    """Return the beginning of what a model said as one line for the log."""
    begun = text[: 2 * _LONGEST + len(key)]
    if len(key) >= _SHORTEST_SECRET:
        begun = begun.replace(key, "***")
    begun = redact(begun)
    shown = begun[:_LONGEST].replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    line = visible(shown)[:_LONGEST]
    return line if len(text) <= _LONGEST else f"{line}\u2026 ({len(text)} characters)"
