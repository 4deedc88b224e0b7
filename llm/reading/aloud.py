"""Finds where an answer begins while it is still being written: what comes before stays unseen.

Thoughts must never be shown. So only what begins with an object, a fence, or a thought that has
ended is looked into as it comes; words before an object may be thoughts whose closing mark is yet
to come, and are waited for to their end.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from llm.reading.thoughts import (
    LONGEST_MARK,
    MARK,
    marks_of,
    may_open_thought,
    opens_thought,
    style_of,
)

_MARK: Final = re.compile(MARK, re.IGNORECASE)
_BLANK: Final = " \t\r\n\ufeff"
_BRACKETS: Final = "{[\uff5b"
_FENCE: Final = re.compile(r"(?:`{3,9}|~{3,9})[\w+-]{0,20}\s{0,50}(?=[{\[\uff5b])")
_FENCE_BEGINS: Final = re.compile(r"(?:`{1,9}|~{1,9})[\w+-]{0,20}\s{0,50}\Z")
_TAG: Final = re.compile(
    r"<\|?(?:(?:final_)?answer|response|output|result|json|solution|tool_call|begin_of_solution"
    r"|start_response|start|message|assistant|im_start)\|?>",
    re.IGNORECASE,
)
"""Marks that an answer stands behind; behind any other there may be thoughts."""

_TAG_BEGINS: Final = re.compile(r"<\|?[\w ]{0,40}\|?\Z")


class _Where(Enum):
    BEGINNING = auto()
    THOUGHT = auto()
    WORDS = auto()


class Beginning:
    """Takes an answer piece by piece until its object begins."""

    def __init__(self) -> None:
        self._where = _Where.BEGINNING
        self._rest = ""
        self._style = 0
        self._depth = 0

    def feed(self, piece: str) -> str | None:
        """Return what begins with the object's bracket, once it is there; None before."""
        self._rest += piece
        while True:
            before = self._where
            match self._where:
                case _Where.THOUGHT:
                    self._think()
                case _Where.WORDS:
                    self._pass_words()
                case _Where.BEGINNING:
                    if self._begin():
                        return self._rest
            if before is self._where:
                return None

    def _begin(self) -> bool:
        """Tell whether the object begins here; else see what does."""
        self._rest = text = self._rest.lstrip(_BLANK)
        if not text:
            return False
        if text[0] in _BRACKETS and not may_open_thought(text):
            if (thought := opens_thought(text)) is None:
                return True
        else:
            thought = opens_thought(text)
        if thought is not None:
            self._where, self._depth = _Where.THOUGHT, 1
            self._style, end = thought
            self._rest = text[end:]
        elif (skipped := _FENCE.match(text) or _TAG.match(text)) is not None:
            self._rest = text[skipped.end() :]
            return self._begin()
        elif not (may_open_thought(text) or _FENCE_BEGINS.match(text) or _TAG_BEGINS.match(text)):
            self._where = _Where.WORDS
        return False

    def _think(self) -> None:
        end = 0
        for mark in marks_of(self._style).finditer(self._rest):
            self._depth += 1 if mark["opens"] is not None else -1
            end = mark.end()
            if self._depth == 0:
                self._where = _Where.BEGINNING
                self._rest = self._rest[end:]
                return
        # Half a mark may stand at the end; a whole one is not counted twice.
        self._rest = self._rest[max(end, len(self._rest) - LONGEST_MARK) :]

    def _pass_words(self) -> None:
        for found in _MARK.finditer(self._rest):
            mark = style_of(self._rest, found.start())
            if mark is None:
                continue
            self._style, opens, end = mark
            self._where = _Where.THOUGHT if opens else _Where.BEGINNING
            self._depth = 1
            self._rest = self._rest[end:]
            return
        self._rest = self._rest[-LONGEST_MARK:]
