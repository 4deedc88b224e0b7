"""Reads JSON that breaks the rules, as models write it, where it can have one meaning only.

Commas too many or missing, comments, names without quotes, single, curly and full-width signs,
Python's words, line breaks and quotes inside texts, escapes that JSON does not know, a last brace
that was forgotten. What leaves open what was meant is not read: a text that never ends, a list that
never ends, an `...` where something was left out.

Libraries that mend JSON were tried on the same inputs. They recurse (`[` 100,000 times ends in a
RecursionError, which harms CPython 3.11), close a text that was cut off, and drop an `...`: half an
answer would pass for a whole one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from llm.reading.effort import UnreadableError
from llm.reading.strings import QUOTES, ends_nothing, read_string

if TYPE_CHECKING:
    from llm.reading.effort import Effort

DEEPEST: Final = 100

_GAP: Final = re.compile(
    r"(?:[\s\ufeff\u200b-\u200f]++|\\[nrt]|//[^\n]{0,500}+|/\*(?s:.{0,500}?)\*/|\#[^\n]{0,500}+)++"
)
_WORD: Final = re.compile(r"[^,\uff0c}\]\uff5d\uff3d\n\"]{1,300}+")
_NAME: Final = re.compile(r"[^\W\d][\w$.-]{0,100}+")
_COLON: Final = re.compile(r"(?:[\s\ufeff\u200b-\u200f]++)?(?:[:\uff1a]|=>?)")
_MORE_TEXT: Final = re.compile(r"\s*+\+\s*+(?=[\"'])")
_LEFT_OUT: Final = re.compile(r"\.\.\.|\u2026")
_SAME: Final = {"\uff5b": "{", "\uff5d": "}", "\uff3b": "[", "\uff3d": "]", "\uff0c": ","}
_WORDS: Final[dict[str, Any]] = dict.fromkeys(("null", "none", "undefined", "nil", "nan")) | {
    "true": True,
    "false": False,
    "infinity": float("inf"),
    "+infinity": float("inf"),
    "-infinity": float("-inf"),
}
_LONGEST_NUMBER: Final = 40
_MISSING: Final = object()


def read_value(text: str, at: int, *, effort: Effort) -> tuple[Any, int]:
    """Read the object or list that begins at a place, and say where it ends.

    Raises:
        UnreadableError: What is there has no one meaning, or reading it costs too much.
    """
    return _Reader(text, at, effort).read()


class _Reader:
    """Walks through a text with a stack of its own: nothing here recurses."""

    def __init__(self, text: str, at: int, effort: Effort) -> None:
        self._text = text
        self._at = at
        self._effort = effort
        self._holders: list[dict[str, Any] | list[Any]] = []
        self._names: list[str] = []
        self._loose = False
        """Whether quotes or brackets do not match: then what follows may be a part that is lost."""

    def read(self) -> tuple[Any, int]:
        """Read until the outermost bracket is closed."""
        whole = self._open(_SAME.get(self._text[self._at], self._text[self._at]))
        while self._holders:
            self._effort.spend()
            self._gap()
            if self._ended():
                break
            sign = _SAME.get(self._text[self._at], self._text[self._at])
            if sign in "}]":
                self._close(sign)
            elif sign == ",":
                self._at += 1
            elif isinstance(self._holders[-1], dict):
                self._member()
            else:
                self._put(self._value())
        if self._loose and not ends_nothing(self._text, self._at):
            raise UnreadableError("quotes inside a text are not escaped, or brackets do not match")
        return whole, self._at

    def _gap(self) -> None:
        gap = _GAP.match(self._text, self._at)
        if gap:
            self._at = gap.end()

    def _ended(self) -> bool:
        """Tell whether the text ends here, with nothing missing but braces.

        Raises:
            UnreadableError: A list is open: nobody knows what else was to stand in it.
        """
        if self._at < len(self._text) and not (
            self._text[self._at] in "`~<" and ends_nothing(self._text, self._at)
        ):
            return False
        if any(isinstance(holder, list) for holder in self._holders):
            raise UnreadableError("a list does not end")
        return True

    def _open(self, sign: str) -> dict[str, Any] | list[Any]:
        holder: dict[str, Any] | list[Any] = {} if sign == "{" else []
        if len(self._holders) == DEEPEST:
            raise UnreadableError("nested too deeply")
        self._holders.append(holder)
        self._names.append("")
        self._at += 1
        return holder

    def _close(self, sign: str) -> None:
        """Close what is open; a bracket of another kind closes what it is around, too."""
        self._at += 1
        kind = dict if sign == "}" else list
        if not any(isinstance(holder, kind) for holder in self._holders):
            return  # one too many
        while not isinstance(self._holders[-1], kind):
            self._loose = True
            self._holders.pop()
            self._names.pop()
        self._holders.pop()
        self._names.pop()

    def _member(self) -> None:
        name = self._name()
        colon = _COLON.match(self._text, self._at)
        if colon is None:
            raise UnreadableError("a name without a value")
        self._at = colon.end()
        self._names[-1] = name
        self._gap()
        if self._at >= len(self._text):
            raise UnreadableError("a value is missing at the end")
        value = self._value()
        if value is not _MISSING:
            self._put(value)

    def _name(self) -> str:
        if self._text[self._at] in QUOTES:
            return self._string(named=True)
        found = _NAME.match(self._text, self._at)
        if found is None:
            raise UnreadableError(f"{self._text[self._at]!a} where a name should stand")
        self._at = found.end()
        return found[0]

    def _value(self) -> Any:
        """Read a simple value, or open a bracket; then what is in it comes in later steps."""
        sign = _SAME.get(self._text[self._at], self._text[self._at])
        if sign in "{[":
            around = self._holders[-1]
            inner = self._open(sign)
            _put(around, self._names[-2], inner)
            return _MISSING
        if sign in QUOTES:
            value = self._string(named=False)
            while (more := _MORE_TEXT.match(self._text, self._at)) is not None:
                self._at = more.end()
                value += self._string(named=False)
            return value
        if sign in ",}]":  # nothing was said
            return None
        return self._word()

    def _string(self, *, named: bool) -> str:
        value, self._at, loose = read_string(
            self._text, self._at, holders=self._holders, named=named, effort=self._effort
        )
        self._loose = self._loose or loose
        return value

    def _word(self) -> Any:
        found = _WORD.match(self._text, self._at)
        if found is None or _LEFT_OUT.match(found[0]):
            raise UnreadableError("something was left out")
        word = found[0].split("//", 1)[0].strip()
        self._at += len(found[0]) if "//" not in found[0] else found[0].index("//")
        if word.lower() in _WORDS:
            return _WORDS[word.lower()]
        number = _number(word)
        if number is None and not word[:1].isalpha():
            raise UnreadableError("a value that is no number, word or text")
        return word if number is None else number

    def _put(self, value: Any) -> None:
        if value is not _MISSING:
            _put(self._holders[-1], self._names[-1], value)


def _put(holder: dict[str, Any] | list[Any], name: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[name] = value
    else:
        holder.append(value)


def _number(word: str) -> float | None:
    if len(word) > _LONGEST_NUMBER or not word[:1].isascii() or word[:1].isalpha():
        return None
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return None
