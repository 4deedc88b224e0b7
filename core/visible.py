r"""Makes text that others wrote safe to show: what a terminal obeys, or hides, is spelled out.

A goal, a title, a model's answer or an error's message may hold characters that a terminal obeys
(ESC, C0 and C1 controls), that turn the reading order around (bidi controls), that break lines, or
that nobody sees (zero-width and tag characters, fillers). Whoever writes text to a terminal or a
log passes it through here; such characters then stand there as an escape, as in `\x1b`.

What scripts and emoji need stays: joiners and variation selectors behind what they change, and the
tags of flags. JSON has escapes of its own, see `json_safe`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ACTS: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls; tab and line feed are asked about below
    "\u00ad\u034f\u061c\u180e"  # soft hyphen, grapheme joiner, Arabic letter mark, vowel separator
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # zero width, breaks, bidi, unseen operators
    "\ufeff\ufff0-\ufffb\ufdd0-\ufdef\ufffe\uffff"  # byte order mark, annotations, noncharacters
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # formats of shorthand and of music
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # tags, and what is reserved beside them
    "\ud800-\udfff"  # lone surrogates
)
_SELECTORS: Final = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_FLAG: Final = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
"""A region's flag, as Scotland's: a black flag and the region's letters as tags."""
_LOOSE: Final = (
    # a joiner has something that is not Latin before it, a selector what it selects
    "(?<![\u0100-\u200b\u200e-\U0010ffff])[\u200c\u200d]"
    f"|(?<![0-9#*\u00a9\u00ae\u0100-\u200b\u200e-\ufdff\ufe10-\U000e00ff])[{_SELECTORS}]"
)
_HIDDEN: Final = re.compile(f"({_FLAG})|[{_ACTS}]|{_LOOSE}")
_BREAKS: Final = re.compile("[ \t]*[\n\r\t\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+[ \t]*")
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and a symbol by category, but there is nothing to see."""
_IGNORED: Final = re.compile(f"[{_ACTS}{_SELECTORS}]")


def visible(text: str) -> str:
    """Return a text of one or more lines as it may be shown: what acts or hides is spelled out."""
    return _HIDDEN.sub(_escape, text)


def one_line(text: str) -> str:
    """Return a text as it may be shown within a line: breaks are blanks, else as `visible`."""
    return visible(_BREAKS.sub(" ", text))


def json_safe(document: str) -> str:
    """Return JSON that means the same and holds none of these characters, but for its layout.

    Args:
        document: Valid JSON: beyond ASCII, and DEL, nothing stands outside of its strings.
    """
    return _HIDDEN.sub(_json_escape, document)


def cut(text: str, characters: int) -> str:
    """Return the beginning of a text, with a sign when something is left out."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def without_middle(text: str, characters: int) -> str:
    """Return a text whose middle is left out when it is too long, with a sign in its place."""
    if len(text) <= characters:
        return text
    half = characters // 2
    return f"{text[:half]}\n…\n{text[-half:]}"


def is_blank(text: str) -> bool:
    """Tell whether there is nothing to see in a text, however long it is.

    Blanks, controls, format characters, fillers, marks that stand on nothing, and characters for
    private use, which look like something on one machine only.
    """
    return not any(map(_seen, text))


def _seen(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cn":  # of a later Unicode than ours, unless it is reserved as ignorable
        return _IGNORED.fullmatch(character) is None
    return category[0] in "LNPS" and character not in _FILLERS


def _escape(found: re.Match[str]) -> str:
    if found[1]:
        return found[0]
    code = ord(found[0])
    if code <= 0xFF:  # noqa: PLR2004 - what two digits can tell
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four digits


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return found[0] if found[1] else "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs)
