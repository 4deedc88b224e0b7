"""Tells which names have a secret under them, and takes secrets out of logs and messages.

Quotes, braces and backslashes stay where they are: a line of JSON stays one.
"""

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
_PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^:/@\s\"']*):([^/\s\"']+)@")
_LOGIN_IN_URL: Final = re.compile(r"(?i)(?:(?<=https://)|(?<=http://))[^:/@\s\"'?#]+@")
_IN_QUERY: Final = re.compile(r"(?<=[?&])([\w.-]+)=([^&\s\"'#\\]+)")
_CREDENTIAL: Final = re.compile(
    r"(?i)(bearer\s+(?!tokens?[.,;:!?]?(?:\s|$))|ticket=|token=|api[_-]?key=)[\w.\-~+/]+=*"
)

_LONGEST_SECRET: Final = 4096
"""That is looked for where a text is cut."""


def names_secret(name: str) -> bool:
    """Tell whether a value under this name may be a secret."""
    return _TELLING.search(_HARMLESS.sub("", name)) is not None


def redact(text: str) -> str:
    """Return the text without passwords in addresses, bearer tokens, tickets and keys."""
    if "://" in text:  # most lines have nothing of all that: a look costs little
        text = _LOGIN_IN_URL.sub("***@", _PASSWORD_IN_URL.sub(r"\1:***@", text))
    if "=" in text:
        text = _IN_QUERY.sub(_parameter, text)
    elif "bearer" not in text.lower():
        return text
    return _CREDENTIAL.sub(r"\1***", text)


def redacted_ends(text: str, characters: int) -> str:
    """Return a text without secrets, and without its middle when it is too long.

    Of an endless text only the ends are looked at, each a little beyond where it is cut: half a
    secret, or one without the name before it, could not be known for one.
    """
    if len(text) <= characters:
        return redact(text)
    half = characters // 2
    looked_at = half + _LONGEST_SECRET
    begin, end = redact(text[:looked_at]), redact(text[-looked_at:])
    begin = begin[: max(0, min(half, len(begin) - _LONGEST_SECRET))]
    end = end[max(len(end) - half, _LONGEST_SECRET) :]
    return f"{begin}\n…\n{end}"


def _parameter(found: re.Match[str]) -> str:
    return f"{found[1]}=***" if names_secret(found[1]) else found[0]
