"""Writes a text that a regular expression finds, for keys and codes whose form is prescribed."""

from __future__ import annotations

import importlib
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
_PRINTABLE: Final = string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_. "

# The standard library's own parser of regular expressions; it has no public name.
_parser: Final[Any] = importlib.import_module("re._parser")


def text_like(pattern: str, random: Random) -> str:
    """Return a text that a pattern finds, as far as that can be said without trying.

    What looks ahead or behind is passed over, so whoever asks checks what comes out.

    Raises:
        re.error: It is no pattern that Python knows.
    """
    return _written(_parser.parse(pattern), random, [])


def _written(tokens: Any, random: Random, groups: list[str]) -> str:
    return "".join(_one(str(name), value, random, groups) for name, value in tokens)


def _one(name: str, value: Any, random: Random, groups: list[str]) -> str:
    match name:
        case "LITERAL":
            return chr(value)
        case "NOT_LITERAL":
            return random.choice([sign for sign in _PRINTABLE if ord(sign) != value])
        case "ANY":
            return random.choice(string.ascii_lowercase)
        case "IN":
            return random.choice(_signs(value))
        case "GROUPREF":
            return groups[value - 1] if value <= len(groups) else ""
    return _several(name, value, random, groups)


def _several(name: str, value: Any, random: Random, groups: list[str]) -> str:
    match name:
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, inside = value
            times = random.randint(least, max(least, min(int(most), least + _MOST_REPEATS)))
            return "".join(_written(inside, random, groups) for _ in range(times))
        case "SUBPATTERN":
            groups.append(_written(value[-1], random, groups))
            return groups[-1]
        case "ATOMIC_GROUP":
            return _written(value, random, groups)
        case "BRANCH":
            return _written(random.choice(value[1]), random, groups)
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
