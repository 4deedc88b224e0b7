"""Reads one text out of a JSON object while the object is still being written."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from workflow.llm.answers import DEEPEST

_RUN: Final = re.compile(r'[^"\\]+')
_GAP: Final = re.compile(r'[^"{}\[\]:,]+')
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_UNIT: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_HALVES: Final = re.compile("[\x00\ud800-\udfff]")
_THOUGHTS: Final = "<think>"
_LONGEST_KEY: Final = 200
_LONGEST_WAY: Final = 100_000
"""Characters before the field begins. What has more is none of our shapes, not worth reading."""


class _Place(Enum):
    """Where the reader is."""

    BEFORE = auto()
    THINKING = auto()
    BETWEEN = auto()
    KEY = auto()
    WANTED = auto()
    OTHER = auto()
    DONE = auto()


class TextField:
    """Takes an answer piece by piece and gives what is new of one field's text.

    Pieces may end anywhere: inside an escape, between the halves of a surrogate pair, inside a
    key. What stands before the object (prose, a fence, a model's thoughts) is passed over. It
    does not judge: what is no JSON gives no text or the wrong one, and the whole answer is checked
    when it is there.
    """

    def __init__(self, name: str) -> None:
        """Name the field; it is looked for at the top of the object only."""
        self._name = name
        self._place = _Place.BEFORE
        self._depth = 0
        self._key = ""
        self._at_key = False
        self._rest = ""
        self._passed = 0

    def feed(self, piece: str) -> str:
        """Return what the piece adds to the text; often nothing."""
        text, self._rest = self._rest + piece, ""
        new: list[str] = []
        at = 0
        while 0 <= at < len(text):
            match self._place:
                case _Place.BEFORE | _Place.THINKING:
                    at = self._pass_over(text, at)
                case _Place.BETWEEN:
                    at = self._between(text, at)
                case _Place.DONE:
                    break
                case _:
                    at = self._inside(text, at, new)
        if self._place is not _Place.WANTED:
            self._passed += len(piece)
            if self._passed > _LONGEST_WAY:
                self._place = _Place.DONE
        return _HALVES.sub("", "".join(new))

    def _pass_over(self, text: str, at: int) -> int:
        if self._place is _Place.THINKING:
            end = text.find("</think>", at)
            if end < 0:
                return self._keep(text[max(at, len(text) - len("</think>")) :])
            self._place = _Place.BEFORE
            return end + len("</think>")
        if _THOUGHTS.startswith(text[at:].lstrip()[: len(_THOUGHTS)]):
            if len(text[at:].lstrip()) < len(_THOUGHTS):
                return self._keep(text[at:])
            self._place = _Place.THINKING
            return at
        start = text.find("{", at)
        if start < 0:
            return len(text)
        self._place, self._depth, self._at_key = _Place.BETWEEN, 1, True
        return start + 1

    def _between(self, text: str, at: int) -> int:
        gap = _GAP.match(text, at)
        if gap:
            return gap.end()
        match text[at]:
            case '"' if self._depth == 1 and self._at_key:
                self._place, self._key = _Place.KEY, ""
            case '"' if self._depth == 1 and self._key == self._name:
                self._place = _Place.WANTED
            case '"':
                self._place = _Place.OTHER
            case "{" | "[" | "}" | "]":
                self._depth += 1 if text[at] in "{[" else -1
                if not 0 < self._depth <= DEEPEST:
                    self._place = _Place.DONE
            case ":" if self._depth == 1:
                self._at_key = False
            case "," if self._depth == 1:
                self._at_key = True
        return at + 1

    def _inside(self, text: str, at: int, new: list[str]) -> int:
        run = _RUN.match(text, at)
        if run:
            self._take(run[0], new)
            return run.end()
        if text[at] == '"':
            self._place = _Place.DONE if self._place is _Place.WANTED else _Place.BETWEEN
            return at + 1
        decoded, end = _escape(text, at)
        if end < 0:
            return self._keep(text[at:])
        self._take(decoded, new)
        return end

    def _take(self, text: str, new: list[str]) -> None:
        if self._place is _Place.WANTED:
            new.append(text)
        elif self._place is _Place.KEY:
            self._key = (self._key + text)[:_LONGEST_KEY]

    def _keep(self, rest: str) -> int:
        """Leave the end of a piece for the next one to complete."""
        self._rest = rest
        return -1


def _escape(text: str, at: int) -> tuple[str, int]:
    """Return what an escape means and where it ends; -1 when it is not all there yet."""
    if len(text) < at + 2:
        return "", -1
    if text[at + 1] != "u":
        return _ESCAPES.get(text[at + 1], text[at + 1]), at + 2
    if len(text) < at + 6:
        return "", -1
    unit = _UNIT.match(text, at)
    if unit is None:
        return "", at + 2
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
