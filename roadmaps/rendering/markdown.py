"""Markdown from a language model to HTML that is safe to show.

Model output is data. Raw HTML in it is shown as text, links go to http, https or mailto only,
images become links (a picture's address would tell its host who reads; `pictures.py` shows those of
hosts that are allowed), and what comes out is sanitised once more against an allow-list. Formulas
are put in after that: they are made of elements that are allowed one by one (`formulas.py`).
"""

from __future__ import annotations

import re
import secrets
from html import escape
from typing import TYPE_CHECKING, Any, Final

import nh3
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from roadmaps.rendering import colouring
from roadmaps.rendering.formulas import formula
from roadmaps.rendering.rules import PICTURE, SCHEMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

TAGS: Final = frozenset(
    {"a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li"}
    | {"ol", "p", "pre", "s", "section", "span", "strong", "sup", "table", "tbody", "td", "th"}
    | {"thead", "tr", "ul"}
)
ATTRIBUTES: Final = {
    "a": {"href", "title", "id", "class"},
    "code": {"class"},
    "li": {"id"},
    "ol": {"start"},
    "section": {"class"},
    "span": {"class"},
}
_NOTE: Final = re.compile(r"#?fn(?:ref)?\d{1,4}(?::\d{1,4})?")
"""Names of a text's own notes, and the links between a note and where it belongs."""
_BOX: Final = re.compile(r"\[([ xX])\] ")


def _safe(address: str) -> bool:
    scheme, colon, _rest = address.strip().partition(":")
    return bool(colon) and scheme.lower() in SCHEMES


def _known(tag: str, name: str, value: str) -> str | None:
    """Drop what the parser does not ask about, such as the empty address of `[a]()`."""
    if name == "href":
        return value if _safe(value) or _NOTE.fullmatch(value) else None
    if name == "id":
        return value if _NOTE.fullmatch(value) else None
    if tag == "a" and name == "class":
        return value if value == PICTURE else None
    if tag == "span":
        return value if colouring.CLASS.fullmatch(value) else None
    if tag == "section":
        return value if value == "footnotes" else None
    return value


def _image_as_link(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any
) -> str:
    """Return a link with the picture's words; within a link only the words."""
    token = tokens[at]
    address = str(token.attrGet("src") or "")
    words = renderer.renderInlineAsText(token.children or [], options, env).strip()
    if token.meta.get("linked"):
        return escape(words or address)
    return f'<a href="{escape(address)}" class="{PICTURE}">{escape(words or address)}</a>'


def _linked(state: StateCore) -> None:
    """Mark the pictures that stand within links: a link cannot hold another one."""
    for inline in state.tokens:
        depth = 0
        for token in inline.children or ():
            depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            if token.type == "image":
                token.meta["linked"] = depth > 0


def _math(
    _renderer: RendererHTML, tokens: Sequence[Token], at: int, _options: Any, env: Any
) -> str:
    """Leave a mark where a formula goes: sanitising comes first."""
    token = tokens[at]
    block = token.type != "math_inline"
    env["formulas"].append(formula(token.content.strip(), block=block))
    mark = f"{env['mark']}{len(env['formulas']) - 1};"
    return f"<p>{mark}</p>" if block else mark


def _boxes(state: StateCore) -> None:
    """Let `[ ]` and `[x]` at the beginning of a list's point be boxes."""
    for before, paragraph, inline in zip(
        state.tokens, state.tokens[1:], state.tokens[2:], strict=False
    ):
        starts = before.type == "list_item_open" and paragraph.type == "paragraph_open"
        first = inline.children[0] if starts and inline.children else None
        if first is not None and first.type == "text" and (found := _BOX.match(first.content)):
            box = "☐ " if found[1] == " " else "☑ "
            first.content = box + first.content[found.end() :]


def _parser() -> MarkdownIt:
    parser = MarkdownIt(
        "commonmark", {"html": False, "linkify": True, "highlight": colouring.coloured}
    )
    parser.enable(["table", "strikethrough", "linkify"])
    if parser.linkify is not None:  # `main.rs` is a file, not a place in Serbia
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    footnote_plugin(parser)
    dollarmath_plugin(
        parser, allow_labels=False, allow_space=False, allow_digits=False, double_inline=True
    )
    setattr(parser, "validateLink", _safe)  # noqa: B010 - the documented way, which types forbid
    parser.core.ruler.after("inline", "boxes", _boxes)
    parser.core.ruler.push("linked", _linked)
    parser.add_render_rule("image", _image_as_link)
    for kind in ("math_inline", "math_inline_double", "math_block"):
        parser.add_render_rule(kind, _math)
    return parser


_markdown: Final = _parser()


def to_html(markdown: str) -> str:
    """Return sanitised HTML."""
    formulas: list[str] = []
    mark = f"formula-{secrets.token_hex(8)}-"
    env = {"formulas": formulas, "mark": mark}
    clean: str = nh3.clean(
        _markdown.render(markdown, env),
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes=set(SCHEMES),
        attribute_filter=_known,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    marks = re.compile(re.escape(mark) + r"(\d+);")
    return marks.sub(lambda found: formulas[int(found[1])], clean)
