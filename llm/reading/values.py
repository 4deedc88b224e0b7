"""Yields the values that an answer may mean, those in texts inside it included."""

from __future__ import annotations

import html
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from llm.reading.candidates import Found, last_word, parsed_json, values_in

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRIED: Final = 24
"""Values of one text that are looked at."""

_ESCAPED: Final = re.compile(r"[\[{]\s*\\+\"")
_HTML: Final = re.compile(r"[\[{]\s*&(?:quot|#34|#x22);")
_DEEPEST_TEXT: Final = 3


def values_of(text: str, depth: int = 0) -> Iterator[Found | str]:
    """Yield the values of an answer, the likeliest first, or why there are none.

    What is JSON as it stands comes first, since that costs least and is nearly always it.
    """
    for whole in _wholes(text):
        value = json_or_none(whole)
        if isinstance(value, str) and depth < _DEEPEST_TEXT:
            yield from values_of(value, depth + 1)
            return
        if value is not None:
            yield Found(value, sure=True)
        if value is not None and whole is text:
            return
    why = ""
    for found in islice(values_in(text), _TRIED):
        if isinstance(found, str):
            why = f"It is not valid JSON: {found}."
        else:
            yield found
    for plain in _unescaped(text) if depth < _DEEPEST_TEXT else ():
        yield from values_of(plain, depth + 1)
    if why:
        yield why


def _wholes(text: str) -> Iterator[str]:
    """Yield what may be a value from its beginning to its end."""
    yield text
    if (said := last_word(text)) != text:
        yield said


def _unescaped(text: str) -> Iterator[str]:
    """Yield a text that was escaped as if it were to stand in JSON or in a page."""
    if (escaped := _ESCAPED.search(text[:200])) is not None:
        inside = text[escaped.start() : max(text.rfind("}"), text.rfind("]")) + 1]
        value = json_or_none(f'"{inside}"')
        if isinstance(value, str):
            yield value
    if _HTML.search(text[:200]):
        yield html.unescape(text)


def json_or_none(text: str) -> Any:
    """Return what a text is by the rules of JSON, or None when it is none."""
    try:
        return parsed_json(text)
    except ValueError:
        return None
