"""A script without what only its readers need: remarks, indentation, spaces between signs.

Names stay as they are, so that a fault is found. What stands in texts and in patterns is left
alone; ends of lines stay where they may end a statement.
"""

from __future__ import annotations

import re
from typing import Final

_REMARK: Final = r"/\*(?:[^*]|\*(?!/))*\*/|//[^\n]*"
_TEXT: Final = r'"(?:[^"\\\n]|\\.)*"' + r"|'(?:[^'\\\n]|\\.)*'"
_PATTERN: Final = re.compile(r"/(?![/*])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_TEMPLATE: Final = re.compile(r"[`}](?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)", re.DOTALL)
"""A text in backticks, or a piece of it up to a value, which is code again."""
_TOKEN: Final = re.compile(rf"(?P<gap>(?:\s|{_REMARK})+)|{_TEXT}|[\w$#]+|[^\s]")
_WORD: Final = re.compile(r"[\w$#]")
_BEFORE_A_PATTERN: Final = frozenset("(,=:[!&|?{};>") | {"", "return"}
_ENDS_NOTHING: Final = frozenset("{([,;")
"""Behind these the end of a line means nothing."""
_BEGINS_NOTHING: Final = frozenset(")].")
"""Before these neither."""


def tight(source: str) -> str:
    """Return a script that does the same in fewer bytes."""
    made: list[str] = []
    depths: list[int] = []  # of braces, in each value of a text in backticks that we are in
    at, gap, last = 0, "", ""
    while at < len(source):
        token = _next(source, at, last, in_value=bool(depths) and depths[-1] == 0)
        at += len(token[0])
        if token.lastgroup == "gap":
            gap += token[0]
            continue
        text = token[0]
        if text[0] in "`}" and token.re is _TEMPLATE:
            if text[0] == "}":
                depths.pop()
            if text.endswith("${"):
                depths.append(0)
        elif depths and text in "{}":
            depths[-1] += 1 if text == "{" else -1
        made += (_kept(gap, last, text), text)
        gap, last = "", text
    return "".join(made) + ("\n" if gap else "")


def _next(source: str, at: int, last: str, *, in_value: bool) -> re.Match[str]:
    """Return what comes next: a gap, or the longest piece that is one thing."""
    found = None
    if source[at] == "`" or (source[at] == "}" and in_value):
        found = _TEMPLATE.match(source, at)
    elif source[at] == "/" and (last in _BEFORE_A_PATTERN or last[-1:] in _BEFORE_A_PATTERN):
        found = _PATTERN.match(source, at)
    found = found or _TOKEN.match(source, at)
    if found is None:  # it takes any character
        raise ValueError(source[at])
    return found


def _kept(gap: str, before: str, after: str) -> str:
    """Return what is left of spaces and remarks between two pieces."""
    if not gap or not before:
        return ""
    if "\n" in gap and before[-1] not in _ENDS_NOTHING and after[0] not in _BEGINS_NOTHING:
        return "\n"
    both_words = _WORD.match(before[-1]) and _WORD.match(after[0])
    return " " if both_words or (before[-1] == after[0] and after[0] in "+-/") else ""
