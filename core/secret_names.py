"""Which names tell that a secret stands under them, and which only look like it."""

from __future__ import annotations

import re
from typing import Final

TELLING: Final = r"pass|pwd|secret|token|key|auth|credential|cookie|signature|bearer|session"
"""Words of such a name, for a regular expression that ignores case."""
_TELLING: Final = re.compile(rf"(?i){TELLING}|(?<![a-z])sig(?![a-z])")
_HARMLESS: Final = re.compile(
    r"(?i)(?<![a-z])(?:"
    r"(?:routing|primary|foreign|idempotency|partition|sort|cache|unique|dedup(?:lication)?"
    r"|ordering|group|object|publishable|content|part)[ _.-]?keys?"
    r"|(?:max|min|total|prompt|completion|input|output|cached|reasoning|used|num)[ _.-]?"
    r"(?:[a-z]+[ _.-])?tokens"
    r"|tokens?[ _.-](?:counts?|limits?|used|left|total|per[ _.-][a-z]+)"
    r"|tokeni[sz]ers?|keywords?|keyboards?|monkeys?|turkeys?|hockey|whiskey|passengers?|passages?"
    r"|passed|passes|passive|compass|bypass|authors?|authored|obsession"
    r")(?![a-z])"
)
"""Keys that sort and address, tokens that are counted, and words that contain a telling one."""


def names_secret(name: str) -> bool:
    """Tell whether a value under this name may be a secret."""
    return _TELLING.search(_HARMLESS.sub("", name)) is not None
