"""SQL taken apart at its semicolons, as psql does: not in strings, names, comments or bodies."""

from __future__ import annotations

import re
from typing import Final

_PIECE: Final = re.compile(
    r"""
      [eE]'(?:[^'\\]|\\.|'')*'      # a string in which a backslash hides a quote
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | --[^\n]*
    | (?P<body>\$(?:[^\W\d]\w*)?\$)  # the body of a function: up to the same mark again
    | (?P<comment>/\*)
    | (?P<end>;)
    | [\w$]+ | .
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK: Final = re.compile(r"/\*|\*/")


def statements(text: str) -> list[str]:
    """Return the statements of a text, without semicolons; those of comments alone are none."""
    found, begin, at, says = [], 0, 0, False
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            break
        start, at = at, piece.end()
        if piece["end"]:
            if says:
                found.append(text[begin:start].strip())
            begin, says = at, False
        elif piece["comment"]:
            at = _end_of_comment(text, at)
        elif piece["body"]:
            close = text.find(piece["body"], at)
            at, says = len(text) if close < 0 else close + len(piece["body"]), True
        elif not piece.group().isspace() and not piece.group().startswith("--"):
            says = True
    if says:
        found.append(text[begin:].strip())
    return found


def _end_of_comment(text: str, at: int) -> int:
    """Return where a comment ends that begins before `at`; they may stand in each other."""
    depth = 1
    while depth and (mark := _COMMENT_MARK.search(text, at)):
        depth += 1 if mark.group() == "/*" else -1
        at = mark.end()
    return at if not depth else len(text)
