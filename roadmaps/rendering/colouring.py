"""Code in a text: coloured by what its words are, as spans with short classes; else left plain."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

LONGEST: Final = 20_000
"""Characters of a piece of code that are coloured; more is shown plain."""
CLASS: Final = re.compile(r"[a-z][a-z0-9]{0,2}")
"""What a token's class looks like: `k` is a keyword, `s2` a text in double quotes."""
_LANGUAGE: Final = re.compile(r"[\w+#.-]{1,30}")
_formatter: Final = HtmlFormatter(nowrap=True)


def coloured(code: str, language: str, _attributes: str) -> str:
    """Return a piece of code as HTML for the inside of `<pre><code>`."""
    if len(code) > LONGEST or not _LANGUAGE.fullmatch(language):
        return escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(code)
    return str(highlight(code, lexer, _formatter))
