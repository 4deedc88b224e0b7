"""Finds where a text ends, and what its escapes mean, inside JSON that breaks the rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llm.reading.effort import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm.reading.effort import Effort

QUOTES: Final = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": '\u201d\u201c"',
    "\u201d": '\u201d\u201c"',
    "\u201e": '\u201d\u201c"',
    "\u2018": "\u2019\u2018'",
    "\u2019": "\u2019\u2018'",
    "\u00ab": "\u00bb",
    "\uff02": '\uff02"',
}
"""What may open a text, and what may close it then."""

# Possessive quantifiers: no text makes these try twice.
_TO_QUOTE: Final = {
    closers: re.compile(
        rf"[^{re.escape(closers)}\\]*+(?:\\.[^{re.escape(closers)}\\]*+)*+[{re.escape(closers)}]",
        re.DOTALL,
    )
    for closers in set(QUOTES.values())
}
_NAME: Final = (
    r"""(?:"[^"\\\n]{1,100}"|'[^'\\\n]{1,100}'|\u201c[^\u201d\n]{1,100}\u201d"""
    r"""|\u00ab[^\u00bb\n]{1,100}\u00bb|\u201e[^\u201c\u201d\n]{1,100}[\u201c\u201d"]"""
    r"""|\u2018[^\u2019\n]{1,100}\u2019|[^\W\d]\w{0,60})"""
)
_REST: Final = r"(?:\s*+(?:```|~~~|<[^<>\s]{1,60}>))*+\s*+\Z"
"""What may stand behind the last bracket of an answer whose quotes are not to be trusted."""

_AFTER_NAME: Final = re.compile(r"[\s\u200b-\u200f]*+(?:[:\uff1a]|=>?)")
_NEXT_MEMBER: Final = re.compile(
    rf"\s*+(?:(?:[,\uff0c](?:\s|\\[nrt])*+){{0,3}}+{_NAME}\s*+[:\uff1a]|[,\uff0c]\s*+(?:[}}\uff5d]|//|/\*)|//|/\*|\+\s*+\"|\Z)"
)
_NEXT_ITEM: Final = re.compile(
    r"\s*+(?:[,\uff0c]\s*+(?:[\"'\u201c\u201e\u2018\u00ab\[{\-\d\]]|true|false|null|None|//|/\*)"
    r"|//|/\*|\+\s*+\")"
)
_CLOSE: Final = re.compile(r"(?:[\s\u200b-\u200f]|\\[nrt])*+[,\uff0c]?\s*+([}\]\uff5d\uff3d])")
_AFTER_ALL: Final = re.compile(_REST)
_AFTER_IN_LIST: Final = re.compile(r"\s*+(?:[,\uff0c]\s*+[{\[\"]|[,\uff0c]?\s*+[\]}])")
_AFTER_IN_OBJECT: Final = re.compile(
    rf"\s*+(?:(?:[,\uff0c]\s*+){{0,3}}+{_NAME}\s*+[:\uff1a]|[,\uff0c]?\s*+[}}\]])"
)

_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"} | {
    sign: sign for sign in "\"\\/'"
}


def ends_nothing(text: str, at: int) -> bool:
    """Tell whether nothing but fences and tags follows."""
    return _AFTER_ALL.match(text, at) is not None


def read_string(
    text: str, at: int, *, holders: Sequence[object], named: bool, effort: Effort
) -> tuple[str, int, bool]:
    """Read a text that begins with a quote.

    A quote ends the text only where what follows could follow a text at that place; every other
    one is a part of it that the model forgot to escape.

    Args:
        text: The answer.
        at: Where the opening quote stands.
        holders: The objects and lists around it, the innermost last.
        named: Whether it is the name of a member.
        effort: What may still be spent.

    Returns:
        The text, where it ends, and whether a quote inside was not escaped.

    Raises:
        UnreadableError: It never ends.
    """
    closers = QUOTES[text[at]]
    if text.startswith('"""', at) and not named:
        end = text.find('"""', at + 3)
        if end > 0:
            return decoded(text[at + 3 : end]), end + 3, True
    to_quote = _TO_QUOTE[closers]
    start = end = at + 1
    while found := to_quote.match(text, end):
        effort.spend_on(found.end() - end)
        end = found.end()
        if _ends_here(text, end, holders=holders, named=named):
            inside = text[start : end - 1]
            return decoded(inside), end, end - 1 - start > found.end() - 1 - found.start()
    effort.spend_on(len(text) - end)
    raise UnreadableError("a text does not end")


def _ends_here(text: str, end: int, *, holders: Sequence[object], named: bool) -> bool:
    if named:
        return _AFTER_NAME.match(text, end) is not None
    in_list = isinstance(holders[-1], list)
    if (_NEXT_ITEM if in_list else _NEXT_MEMBER).match(text, end):
        return True
    close = _CLOSE.match(text, end)
    if close is None:
        # Nothing but braces may be missing at the end: what else a list would hold is unknown.
        return not any(isinstance(holder, list) for holder in holders) and ends_nothing(text, end)
    # A list may be closed by the brace of the object around it, when the model forgot one.
    if len(holders) == 1:
        return ends_nothing(text, close.end())
    around = _AFTER_IN_LIST if isinstance(holders[-2], list) else _AFTER_IN_OBJECT
    return around.match(text, close.end()) is not None or ends_nothing(text, close.end())


def decoded(inside: str) -> str:
    r"""Return what a text means; an escape that JSON does not know is kept (`\alpha`)."""
    return _ESCAPE.sub(_meaning, inside) if "\\" in inside else inside


def _meaning(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return _ESCAPES.get(escape[2], escape[0])
