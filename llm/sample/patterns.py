"""Writes a text that a regular expression finds, for keys and codes whose form is prescribed."""

from __future__ import annotations

import importlib
import re
import string
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from random import Random

_MOST_REPEATS: Final = 8
_CATEGORIES: Final = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_WORD": string.ascii_lowercase + string.digits,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": string.ascii_lowercase,
    "CATEGORY_NOT_WORD": "-",
    "CATEGORY_NOT_SPACE": string.ascii_lowercase,
}
_PIECE: Final = re.compile(r"\\p\{\w+\}|\\p\w|\[:\w+:\]|\\.|.", re.DOTALL)
_POSIX: Final = {
    "alpha": "a-zA-Z",
    "alnum": "a-zA-Z0-9",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "punct": ".,!",
    "space": " ",
    "xdigit": "0-9a-f",
}
_PROPERTIES: Final = {
    "L": "a-zA-Z",
    "Letter": "a-zA-Z",
    "Alphabetic": "a-zA-Z",
    "Latin": "a-zA-Z",
    "Lu": "A-Z",
    "Uppercase": "A-Z",
    "Ll": "a-z",
    "Lowercase": "a-z",
    "N": "0-9",
    "Nd": "0-9",
    "P": ".,!",
    "Z": " ",
    "Zs": " ",
    "S": "+",
}
_PRINTABLE: Final = string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_. "

# The standard library's own parser of regular expressions; it has no public name.
_parser: Final[Any] = importlib.import_module("re._parser")


def text_like(pattern: str, random: Random, *, least: int = 0) -> str:
    """Return a text that a pattern finds, as far as that can be said without trying.

    What looks ahead or behind is passed over, so whoever asks checks what comes out.

    Args:
        pattern: As Python reads it.
        random: Chooses.
        least: How long the text should be.

    Raises:
        re.error: It is no pattern that Python knows.
    """
    repeats = max(_MOST_REPEATS, 3 * least)
    return _Writer(random, repeats).written(_parser.parse(pattern))


def for_python(pattern: str) -> str:
    """Return a pattern as Python reads it: pydantic's own engine has classes that Python lacks."""
    made: list[str] = []
    inside = False
    for found in _PIECE.finditer(pattern):
        piece = found[0]
        signs = _named(piece)
        if signs is not None:
            made.append(signs if inside else f"[{signs}]")
            continue
        inside = (inside or piece == "[") and piece != "]"
        made.append(r"\Z" if piece == r"\z" else piece)
    return "".join(made)


def _named(piece: str) -> str | None:
    """Return the letters of a class that has a name, as that of all letters, or `[:alpha:]`."""
    if piece.startswith("[:"):
        return _POSIX.get(piece[2:-2], "a-z")
    if not piece.startswith(r"\p"):
        return None
    return _PROPERTIES.get(piece[2:].strip("{}"), "a-z")


class _Writer:
    """Writes one text."""

    def __init__(self, random: Random, repeats: int) -> None:
        self._random = random
        self._repeats = repeats
        self._groups: list[str] = []

    def written(self, parsed: Any) -> str:
        return "".join(self._one(str(name), value) for name, value in parsed)

    def _one(self, name: str, value: Any) -> str:
        match name:
            case "LITERAL":
                return chr(value)
            case "NOT_LITERAL":
                return self._random.choice([sign for sign in _PRINTABLE if ord(sign) != value])
            case "ANY":
                return self._random.choice(string.ascii_lowercase)
            case "IN":
                return self._random.choice(_signs(value))
            case "GROUPREF":
                return self._groups[value - 1] if value <= len(self._groups) else ""
        return self._several(name, value)

    def _several(self, name: str, value: Any) -> str:
        match name:
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, inside = value
                times = self._random.randint(
                    least, max(least, min(int(most), least + self._repeats))
                )
                return "".join(self.written(inside) for _ in range(times))
            case "SUBPATTERN":
                self._groups.append(self.written(value[-1]))
                return self._groups[-1]
            case "ATOMIC_GROUP":
                return self.written(value)
            case "BRANCH":
                return self.written(self._random.choice(value[1]))
        return ""  # anchors and what looks around


def _signs(parts: Any) -> str:
    """Return what a class of characters allows, of the printable ones where it only forbids."""
    listed, forbids = "", False
    for kind, value in parts:
        match str(kind):
            case "NEGATE":
                forbids = True
            case "LITERAL":
                listed += chr(value)
            case "RANGE":
                listed += "".join(map(chr, range(value[0], min(value[1], value[0] + 100) + 1)))
            case "CATEGORY":
                listed += _CATEGORIES.get(str(value), "")
    return "".join(sign for sign in _PRINTABLE if sign not in listed) if forbids else listed
