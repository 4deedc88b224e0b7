"""Reads one text out of a JSON object while the object is still being written."""

from __future__ import annotations

import json
import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from llm.answers import DEEPEST
from llm.reading.aloud import Beginning
from llm.reading.rules import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm.calls import OnText

_RUN: Final = re.compile(
    r'(?:[^"\\]+|\\["\\/bfnrt]|\\u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]|[dD][0-7])[0-9a-fA-F]{2})+'
)
"""Text with escapes that are whole, and no half of a surrogate pair."""
_WORDS: Final = re.compile(r'[^"\\\x00\ud800-\udfff]+')
"""What the text says as it stands."""
_GAP: Final = re.compile(r'[^"{}\[\]:,]+')
_DECODER: Final = json.JSONDecoder(strict=False)
_UNIT: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_HALVES: Final = re.compile("[\x00\ud800-\udfff]")
_ODD: Final = "'"
"""Escaped though nothing asks for that."""
_LONGEST_KEY: Final = 200
_LONGEST_WAY: Final = 100_000
"""Characters before the field begins. What has more is none of our shapes, not worth reading."""

_LONGEST_WAIT: Final = 500
"""Characters behind a quote that are waited for to see whether it ends the text."""


class _Place(Enum):
    """Where the reader is."""

    BEFORE = auto()
    BETWEEN = auto()
    KEY = auto()
    WANTED = auto()
    OTHER = auto()
    DONE = auto()


class TextField:
    """Takes an answer piece by piece and gives what is new of one field's text.

    Pieces may end anywhere: inside an escape, between the halves of a surrogate pair, inside a
    key. What stands before the object (a fence, a model's thoughts) is passed over, and so are
    objects and lists that are only wrapped around it. It does not judge: what is no JSON gives no
    text or the wrong one, and the whole answer is checked when it is there.
    """

    def __init__(self, name: str, *, wrappers: frozenset[str] = PLAIN.wrappers) -> None:
        """Name the field, and what objects around it may be called."""
        self._name = name
        self._wrappers = wrappers
        self._place = _Place.BEFORE
        self._beginning = Beginning()
        self._holders: list[tuple[bool, bool]] = []
        """Of each bracket that is open: whether it is an object, and one the field may be in."""
        self._key = ""
        self._at_key = False
        self._rest = ""
        self._passed = 0

    def feed(self, piece: str) -> str:
        """Return what the piece adds to the text; often nothing."""
        if self._place is _Place.WANTED and not self._rest and _WORDS.fullmatch(piece):
            return piece
        if self._place is _Place.BEFORE:
            piece = self._beginning.feed(piece) or ""
            self._place = _Place.BETWEEN if piece else _Place.BEFORE
        text, self._rest = self._rest + piece, ""
        new: list[str] = []
        at = 0
        while 0 <= at < len(text):
            match self._place:
                case _Place.BETWEEN:
                    at = self._between(text, at)
                case _Place.DONE | _Place.BEFORE:
                    break
                case _:
                    at = self._inside(text, at, new)
        if self._place is not _Place.WANTED:
            self._passed += len(piece)
            if self._passed > _LONGEST_WAY:
                self._place = _Place.DONE
        text = "".join(new)
        return text if text.isascii() and "\0" not in text else _HALVES.sub("", text)

    def _between(self, text: str, at: int) -> int:
        gap = _GAP.match(text, at)
        if gap:
            return gap.end()
        is_object, on_the_way = self._holders[-1] if self._holders else (False, False)
        match text[at]:
            case '"' if is_object and on_the_way and self._at_key:
                self._place, self._key = _Place.KEY, ""
            case '"' if is_object and on_the_way and self._key == self._name:
                self._place = _Place.WANTED
            case '"':
                self._place = _Place.OTHER
            case "{" | "[":
                self._open(is_object=text[at] == "{")
            case "}" | "]":
                self._holders = self._holders[:-1]
                self._at_key = False
            case ":":
                self._at_key = False
            case ",":
                self._at_key = is_object
        if not self._holders or len(self._holders) > DEEPEST:
            self._place = _Place.DONE
        return at + 1

    def _open(self, *, is_object: bool) -> None:
        if not self._holders:
            inside = True
        else:
            in_object, on_the_way = self._holders[-1]
            inside = on_the_way and (not in_object or self._key.lower() in self._wrappers)
        self._holders.append((is_object, inside))
        self._at_key = is_object

    def _inside(self, text: str, at: int, new: list[str]) -> int:
        run = _RUN.match(text, at)
        if run:
            found = run[0]
            self._take(_DECODER.raw_decode(f'"{found}"')[0] if "\\" in found else found, new)
            return run.end()
        if text[at] == '"':
            return self._quote(text, at, new)
        decoded, end = _escape(text, at)
        if end < 0:
            return self._keep(text[at:])
        self._take(decoded, new)
        return end

    def _quote(self, text: str, at: int, new: list[str]) -> int:
        """End what the quote ends; one that was only not escaped belongs to the text."""
        if self._place is not _Place.WANTED:
            self._place = _Place.BETWEEN
            return at + 1
        ends = _ends(text, at + 1)
        if ends is None and len(text) - at <= _LONGEST_WAIT:
            return self._keep(text[at:])
        if ends is False:
            self._take('"', new)
        else:
            self._place = _Place.DONE
        return at + 1

    def _take(self, text: str, new: list[str]) -> None:
        if self._place is _Place.WANTED:
            new.append(text)
        elif self._place is _Place.KEY:
            self._key = (self._key + text)[:_LONGEST_KEY]

    def _keep(self, rest: str) -> int:
        """Leave the end of a piece for the next one to complete."""
        self._rest = rest
        return -1


class LiveText:
    """Hands out a field's text while answers come, and in the end what it really is.

    What is handed out as it comes is read without knowing the rest. So when the answer is there
    and reads otherwise, the text is handed out once more, from its beginning.
    """

    def __init__(
        self, name: str, on_text: OnText, *, wrappers: frozenset[str] = PLAIN.wrappers
    ) -> None:
        """Name the field, who takes its text, and what objects around it may be called."""
        self._name = name
        self._on_text = on_text
        self._wrappers = wrappers
        self._field = TextField(name, wrappers=wrappers)
        self._shown: list[str] = []
        self._streamed = False

    def begin(self) -> Callable[[str], None]:
        """Return what takes the pieces of one more answer; its text begins at 0 again."""
        self._field = TextField(self._name, wrappers=self._wrappers)
        self._shown = []
        self._streamed = False
        offset = 0

        def on_content(piece: str) -> None:
            nonlocal offset
            self._streamed = True
            if new := self._field.feed(piece):
                self._shown.append(new)
                self._on_text(offset, new)
                offset += len(new)

        return on_content

    def settle(self, text: object) -> None:
        """Hand out the text that counts, where it was streamed and what was shown is another."""
        if self._streamed and isinstance(text, str) and "".join(self._shown) != text:
            self._on_text(0, text)


def _ends(text: str, at: int) -> bool | None:
    """Tell whether a quote before a place ends a text; None when too little is there to say."""
    behind = text[at : at + _LONGEST_WAIT].lstrip()
    if behind.startswith(","):
        behind = behind[1:].lstrip()
        return behind[0] in "\"'}" if behind else None
    return behind[0] in "}]" if behind else None


def _escape(text: str, at: int) -> tuple[str, int]:
    """Return what an escape means and where it ends; -1 when it is not all there yet."""
    if len(text) < at + 2:
        return "", -1
    if text[at + 1] != "u":
        sign = text[at + 1]
        return sign if sign == _ODD else f"\\{sign}", at + 2
    if len(text) < at + 6:
        return "", -1
    unit = _UNIT.match(text, at)
    if unit is None:
        return "\\u", at + 2
    high = int(unit[1], 16)
    if not 0xD800 <= high < 0xDC00:  # noqa: PLR2004 - the high surrogates of UTF-16
        return chr(high), at + 6
    # Only with its other half it is a character.
    if len(text) < at + 12 and "\\u".startswith(text[at + 6 : at + 8]):
        return "", -1
    low = _UNIT.match(text, at + 6)
    if low is None or not 0xDC00 <= int(low[1], 16) < 0xE000:  # noqa: PLR2004 - the low surrogates
        return "", at + 6
    return chr(0x10000 + ((high - 0xD800) << 10) + (int(low[1], 16) - 0xDC00)), at + 12
