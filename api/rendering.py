"""Markdown from a language model to HTML that is safe to show.

Model output is data. Raw HTML in it is shown as text, links go to http, https or mailto only,
images become links (a picture's address would tell its host who reads), and what comes out is
sanitised once more against an allow-list.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import nh3
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

SCHEMES: Final = frozenset({"http", "https", "mailto"})
TAGS: Final = frozenset(
    {"a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li"}
    | {"ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"}
)
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


@lru_cache(maxsize=128)
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
