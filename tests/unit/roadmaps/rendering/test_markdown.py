"""Markdown of a language model, made safe."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmaps.rendering import formulas
from roadmaps.rendering.markdown import ATTRIBUTES, TAGS, to_html
from roadmaps.rendering.rules import SCHEMES


class Reader(HTMLParser):
    """Collects tags, attributes and addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _value in attrs}
        self.addresses += [value or "" for name, value in attrs if name == "href"]


ALLOWED = {(tag, name) for tag, names in ATTRIBUTES.items() for name in names} | {("a", "rel")}
PIECES = st.sampled_from(
    [
        *("<script>", "<img src=x onerror=y>", "<a href='x'>", "<https://e.org>", "<!--", "-->"),
        *("[a](", "![b](", "javascript:", "java\tscript:alert(1)", "&#106;avascript:", ")"),
        *("https://e.org", "data:text/html,x", "\n\n", "# ", "> ", "1. ", "|", "`", "```"),
        *("*", "_", '"', "\\", "$", "$$", "$x^2$", "\\frac{a}{b}", "\\text{<b onclick=x>", "}"),
        *("\\href{javascript:1}{y}", "[^1]", "\n\n[^1]: note", "- [x] ", "```rust\nfn <b>"),
    ]
)


def assert_safe(html: str) -> None:
    """Check tags, attributes and addresses against the allow-list."""
    found = Reader(html)
    assert found.tags <= TAGS | formulas.ELEMENTS
    for tag, name in found.attributes - ALLOWED:
        assert tag in formulas.ELEMENTS
        assert name in formulas.ATTRIBUTES
    for address in found.addresses:
        assert re.fullmatch(r"#fn(ref)?[\d:]+", address) or address.split(":")[0].lower() in SCHEMES


@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_nothing_unsafe_comes_out(markdown: str) -> None:
    """Whatever is written, only allowed tags, attributes and schemes come out."""
    assert_safe(to_html(markdown))


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:x",
        "file:///etc/passwd",
        "",
        "//evil.example",
        "/relative",
        "&#x6A;avascript:alert(1)",
    ],
)
def test_dangerous_links_stay_text(address: str) -> None:
    """Only http, https and mailto become links."""
    assert "href" not in to_html(f"[click]({address})")


def test_raw_html_is_shown_not_run() -> None:
    """HTML in the text appears as text."""
    html = to_html("<script>alert(1)</script>\n\n<b onclick=x>bold</b>")
    assert "&lt;script&gt;" in html
    assert "<b" not in re.sub("<blockquote", "", html)


def test_images_become_links() -> None:
    """A picture would tell its host who reads: it is a link instead."""
    html = to_html('![a "kite" <b>](https://example.org/kite.png)')
    assert "<img" not in html
    assert 'href="https://example.org/kite.png"' in html


def test_ordinary_markdown_is_rendered() -> None:
    """Headings, lists, tables, code and links look as written."""
    html = to_html(
        "# Title\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        '```python\nprint("<b>")\n```\n\n[link](https://example.org "t")\n'
    )
    for expected in ("<h1>Title</h1>", "<li>one</li>", "<td>1</td>", 'class="language-python"'):
        assert expected in html
    assert "&lt;b&gt;" in html
    assert 'rel="noopener noreferrer nofollow"' in html


def test_deep_nesting_is_no_problem() -> None:
    """Ten thousand levels are cut off, quickly."""
    assert_safe(to_html("> " * 10_000 + "deep"))
    assert_safe(to_html("[" * 5_000 + "x" + "](https://e.org)" * 5_000))


def test_what_texts_for_learners_have() -> None:
    """Code has colours, formulas are MathML, notes have links, points boxes, addresses links."""
    html = to_html(
        "See https://example.org/x and main.rs for $5 or $10.[^1]\n\n$$\\frac{a}{b}$$\n\n"
        "- [ ] open\n- [x] done\n\n```rust\nfn main() {}\n```\n\n[^1]: A note.\n"
    )
    for expected in (
        '<a href="https://example.org/x"',
        "and main.rs for $5 or $10.",
        '<math display="block"><mrow><mfrac>',
        "☐ open",
        "☑ done",
        '<span class="k">fn</span>',
        '<a href="#fn1" id="fnref1"',
        '<li id="fn1">',
    ):
        assert expected in html


def test_a_strange_formula_is_shown_as_code() -> None:
    """What the converter takes for elements of its own is not let through."""
    html = to_html("$\\text{<script>alert(1)</script>}$ and $\\text{<b>x</b>}$")
    assert "<script" not in html
    assert "<b>" not in html
    assert html.count("<code>") == 2
    assert "href" not in to_html("$\\href{javascript:alert(1)}{y}$")


def test_a_picture_within_a_link_is_its_words() -> None:
    """A link cannot hold another one: where the picture stood are the words that describe it."""
    html = to_html("[![a *badge*](https://e.org/b.svg)](https://e.org/where)")
    assert html.count("<a ") == 1
    assert 'href="https://e.org/where"' in html
    assert ">a badge</a>" in html
