"""Finds the objects in an answer, with words, fences and thoughts around them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from llm.reading.effort import Effort, UnreadableError
from llm.reading.thoughts import MARK, end_of_thought, style_of
from llm.reading.tolerant import DEEPEST, read_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[str, int, Effort], tuple[Any, int]]

_QUOTE: Final = r"\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\uff02"
"""Signs that may open a text, as the tolerant reader knows them."""
_NAME_BEGINS: Final = (
    rf"(?:[\s\ufeff\u200b-\u200f]|\\[nrt])*+(?:[{_QUOTE}]|[^\W\d]\w{{0,60}}\s*+[:\uff1a])"
)
_TOKEN: Final = re.compile(
    rf"(?P<bracket>[{{\uff5b](?={_NAME_BEGINS}|\\?\s*+[}}/#,])"
    rf"|[\[\uff3b](?=\s*+[{{\[\uff5b{_QUOTE}]))"
    rf"|{MARK}",
    re.IGNORECASE,
)
"""What may begin an object or a list, and marks of thoughts. Brackets in prose begin nothing."""

_MARK: Final = re.compile(MARK, re.IGNORECASE)
_FENCED: Final = re.compile(
    r"(?P<fence>```+|~~~+)[\w-]{0,20}[ \t]*\n(?P<inside>.*)\n?(?P=fence)", re.DOTALL
)
_BRACKETS: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
"""Texts and brackets; a text without an end goes to the end, or each quote in it would be tried."""

_EXACT: Final = 2.0**63
"""From here on the quick reader makes a rounded number of a whole one."""

_DEPTHS: Final = {"{": 1, "[": 1, "}": -1, "]": -1}
_NOTHING: Final = re.compile(r"<[^<>]{0,60}>|\u25c1/think\u25b7|\[/THINK\]|[`~\s]")
_LONGEST_TAIL: Final = 300
_MOST: Final = 60
"""Values kept of one answer, the last ones: nobody means the sixty-first from the end."""

_PER_VALUE: Final = 5
"""Steps that a value costs at least, and finding out that there is none."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value that stands in an answer.

    `sure` is False when it stands in a thought, or in something larger that could not be read:
    then it counts only when it is the last word.
    """

    value: Any
    sure: bool


def values_in(text: str) -> Iterator[Found | str]:
    """Yield the values in an answer, the likeliest first, or a reason why one cannot be read.

    What was written last is likelier: a draft is followed by the answer, an example, too. Read by
    the rules comes before read leniently.
    """
    for read in (_by_the_rules, _leniently):
        found, reason = _scan(text, read, Effort(len(text)))
        yield from found
        if reason and read is _leniently:
            yield reason


def last_word(text: str) -> str:
    """Return what stands behind the last mark that ends a thought, without a fence around it."""
    rest = behind_thoughts(text)
    fenced = _FENCED.fullmatch(rest)
    return fenced["inside"] if fenced else rest


def behind_thoughts(text: str) -> str:
    """Return what stands behind the last mark that ends a thought."""
    end = 0
    for mark in _MARK.finditer(text):
        style = style_of(text, mark.start())
        if style is not None and not style[1]:
            end = style[2]
    return text[end:].strip().removeprefix("\ufeff")


def parsed_json(text: str) -> Any:
    """Parse JSON that may be meant to harm.

    The standard scanner recurses, and a RecursionError inside it has left CPython 3.11's own
    bookkeeping wrong (`AST constructor recursion depth mismatch`), so depth is counted first. What
    is JSON by the letter, as nearly all of it, is read by a scanner in C that bounds itself.

    Raises:
        ValueError: It is not valid JSON, or nested more deeply than anything of ours.
    """
    if text.count("{") + text.count("[") > DEEPEST:
        depth = 0
        for token in _BRACKETS.finditer(text):
            depth += _DEPTHS.get(token[0], 0)
            if depth > DEEPEST:
                raise ValueError("nested too deeply")
    try:
        value = orjson.loads(text)
    except ValueError:
        return json.loads(text, strict=False)
    return json.loads(text, strict=False) if _may_be_rounded(value) else value


def _may_be_rounded(value: Any) -> bool:
    """Tell whether a number in it is so large that the scanner in C may have changed it."""
    found = [value]
    for each in found:  # which grows meanwhile: a call for each value took longer than to read it
        kind = type(each)
        if kind is dict:
            found.extend(each.values())
        elif kind is list:
            found.extend(each)
        elif kind is float and abs(each) >= _EXACT:
            return True
    return False


def _scan(text: str, read: Read, effort: Effort) -> tuple[list[Found], str]:
    """Walk over a text from value to value; a thought's end forgets all that came before."""
    sure: list[Found] = []
    unsure: list[Found] = []
    endless: set[int] = set()
    at, broken, reason = 0, False, ""
    while not effort.spent and (token := _TOKEN.search(text, at)):
        at = token.end()
        if token["bracket"] is None:
            mark = style_of(text, token.start())
            if mark is None:
                at = token.start() + 1
                continue
            style, opens, at = mark
            end = at
            if opens:
                ends = None if style in endless else end_of_thought(text, at, style)
                if ends is None:
                    endless.add(style)
                    broken = True  # it thinks to the end, unless its last word is an answer
                    continue
                end = ends
            unsure = [*unsure, *sure][-_MOST:] if _is_last(text, end) else []
            at, sure, broken = end, [], False
            continue
        try:
            value, end = read(text, token.start(), effort)
        except UnreadableError as error:
            broken, reason = broken or error.end is None, str(error)
            at = error.end or at
            continue
        finally:
            effort.take(_PER_VALUE)
        if not broken:
            sure = [*sure[-_MOST:], Found(value, sure=True)]
        elif _is_last(text, end):
            unsure.append(Found(value, sure=False))
        at = end
    return [*reversed(sure), *reversed(unsure)], reason


def _is_last(text: str, end: int) -> bool:
    tail = text[end : end + _LONGEST_TAIL + 1]
    return len(tail) <= _LONGEST_TAIL and not _NOTHING.sub("", tail)


def _by_the_rules(text: str, at: int, effort: Effort) -> tuple[Any, int]:
    depth = 0
    for token in _BRACKETS.finditer(text, at):
        effort.spend_on(token.end() - token.start())
        depth += _DEPTHS.get(token[0], 0)
        if depth > DEEPEST:
            raise UnreadableError("nested too deeply")
        if depth == 0:
            try:
                return json.loads(text[at : token.end()], strict=False), token.end()
            except ValueError as error:
                raise UnreadableError(str(error), end=token.end()) from None
    effort.spend_on(len(text) - at)
    raise UnreadableError("it does not end")


def _leniently(text: str, at: int, effort: Effort) -> tuple[Any, int]:
    return read_value(text, at, effort=effort)
