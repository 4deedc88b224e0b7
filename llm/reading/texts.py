"""Puts the texts of an answer right that came through JSON but cannot be meant."""

from __future__ import annotations

import re
from typing import Any, Final

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""NUL is refused by PostgreSQL, lone surrogates by every encoder."""

_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_COMMANDS: Final = re.compile(
    "([\b\f])(?=[a-zA-Z])"
    "|(\r)(?=(?:ho|ight|ightarrow|angle|ceil|floor|oot)(?![a-zA-Z]))"
    "|(?<=[^\\n\\t])(\t)(?=(?:heta|au|imes|ext|extbf|o|riangle)(?:[^a-zA-Z\\s]|\\Z))"
    "|(\n)(?=(?:abla|otin)(?![a-zA-Z]))"
)
"""LaTeX whose backslash JSON took for an escape: `\\frac` came as a form feed and `rac`. Only
where the control character can have no meaning of its own."""

_COMMAND_SIGNS: Final = ("\b", "\f", "\r", "\t", "\nabla", "\notin")
"""One of these must be in a text with such a command; looking for them costs next to nothing."""

_SUSPECT: Final = re.compile("[\x00\b\f\r\ud800-\udfff]|\\\\[ubfrtn]|\t|\n(?:abla|otin)")
"""What JSON must have in it for one of its texts to need any of this."""

_LETTERS: Final = {"\b": "\\b", "\f": "\\f", "\r": "\\r", "\t": "\\t", "\n": "\\n"}


_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)


def decoded(body: bytes | bytearray, media_type: str) -> str:
    """Return the text of a body: JSON is UTF-8, whatever is declared, as long as it can be that.

    Args:
        body: The bytes.
        media_type: What they are declared to be, perhaps with a `charset`.
    """
    try:
        return body.decode()
    except UnicodeDecodeError:
        declared = _CHARSET.search(media_type)
    try:
        return body.decode(declared[1] if declared else "utf-8", "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


def storable(value: Any) -> Any:
    """Return a value whose texts can be stored and sent, and read as they were meant.

    Its depth must be bounded.
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [storable(part) for part in value]
    if isinstance(value, dict):
        return {clean(str(key)): storable(part) for key, part in value.items()}
    return value


def needs_cleaning(text: str) -> bool:
    """Tell whether a value read from this text may hold something that must be put right."""
    return _SUSPECT.search(text) is not None


def clean(text: str) -> str:
    """Return one text without what cannot be stored, and with its LaTeX."""
    if not text.isascii() or "\0" in text:
        text = _UNSTORABLE.sub("", _PAIR.sub(_character, text))
    if not any(sign in text for sign in _COMMAND_SIGNS):
        return text
    return _COMMANDS.sub(lambda found: _LETTERS[found[0]], text)


def _character(halves: re.Match[str]) -> str:
    return halves[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")
