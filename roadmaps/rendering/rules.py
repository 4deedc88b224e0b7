"""What holds for rendered texts, told without loading what renders them: a child process does."""

from __future__ import annotations

from html import escape
from typing import Final

VERSION: Final = 4
"""Of the rendering: raise it with whatever makes other HTML of the same text; stored HTML of an
older one is then made anew when it is read."""
PICTURE: Final = "picture"
"""The class of a link that stands for a picture."""
SCHEMES: Final = frozenset({"http", "https", "mailto"})
UNRENDERED: Final = "This text is too intricate to be shown with its formatting."


def as_plain_html(markdown: str) -> str:
    """Return a text as it was written, with a note, for one that takes too long to render."""
    return f"<p><em>{UNRENDERED}</em></p><pre>{escape(markdown)}</pre>"
