"""Markdown from a language model to HTML that is safe to show.

Model output is data. Raw HTML in it is shown as text, links go to http, https or mailto only,
images become links (a picture's address would tell its host who reads), and what comes out is
sanitised once more against an allow-list.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

import nh3
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

VERSION: Final = 1
"""Of the rendering: raise it with whatever makes other HTML of the same text; stored HTML of an
older one is then made anew when it is read."""
SCHEMES: Final = frozenset({"http", "https", "mailto"})
TAGS: Final = frozenset(
    {"a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li"}
    | {"ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"}
)
UNRENDERED: Final = "This text is too intricate to be shown with its formatting."
ATTRIBUTES: Final = {"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}}


def _safe(address: str) -> bool:
    scheme, colon, _rest = address.strip().partition(":")
    return bool(colon) and scheme.lower() in SCHEMES


def _without_strange_links(_tag: str, name: str, value: str) -> str | None:
    """Drop what the parser does not ask about, such as the empty address of `[a]()`."""
    return value if name != "href" or _safe(value) else None


def _image_as_link(
    _renderer: RendererHTML, tokens: Sequence[Token], at: int, _options: Any, _env: Any
) -> str:
    token = tokens[at]
    address = str(token.attrGet("src") or "")
    words = nh3.clean_text(token.content or address)
    return f'<a href="{nh3.clean_text(address)}">{words}</a>'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False})
    parser.enable(["table", "strikethrough"])
    setattr(parser, "validateLink", _safe)  # noqa: B010 - the documented way, which types forbid
    parser.add_render_rule("image", _image_as_link)
    return parser


_markdown: Final = _parser()


def to_html(markdown: str) -> str:
    """Return sanitised HTML."""
    return nh3.clean(
        _markdown.render(markdown),
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes=set(SCHEMES),
        attribute_filter=_without_strange_links,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def as_plain_html(markdown: str) -> str:
    """Return a text as it was written, with a note, for one that takes too long to render."""
    return f"<p><em>{UNRENDERED}</em></p><pre>{escape(markdown)}</pre>"
