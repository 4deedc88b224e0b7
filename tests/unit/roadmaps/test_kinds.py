"""Kinds of contents: found in their folder, shown and printed by what they say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from core.printed import Line
from llm.output import Output
from roadmaps.kinds import KINDS, Kind, printed
from roadmaps.kinds.known import one_of_each_name

if TYPE_CHECKING:
    from collections.abc import Iterator


class Summary(Output):
    """A short text."""

    markdown: str
    words: int


class SummaryKind(Kind):
    """What a concept is, in short."""

    name = "short_summary"
    output = Summary
    text = "markdown"


def test_kinds_stand_in_their_order() -> None:
    """Kinds are found by themselves and keep their order, by which concepts are shown."""
    assert list(KINDS) == ["tutorial", "resources", "quiz"]
    assert [kind.label for kind in KINDS.values()] == ["Tutorial", "Resources", "Quiz"]


def test_only_addresses_that_a_page_may_link_to_are_shown() -> None:
    """A resource whose address is a script is not shown."""
    found = [{"url": "https://example.org/a"}, {"url": "javascript:alert(1)"}, {"url": "nothing"}]
    shown = KINDS["resources"].show({"resources": found}, version=1, html=None)
    assert shown == [{"url": "https://example.org/a"}]


def test_a_content_of_any_shape_is_printed() -> None:
    """Fields are named, lists are points, a text in Markdown stays whole, null is left out."""
    value = {
        "markdown": "# Knots",
        "task": "Tie it",
        "hints": ["Loop", {"why_not": "Slips", "often": True}],
        "note": None,
        "steps": "one\ntwo",
    }
    assert list(printed(value, markdown="markdown")) == [
        Line("# Knots", markdown=True),
        Line("Task: Tie it"),
        Line("Hints", strong=True),
        Line("  • Loop"),
        Line("  • Why not: Slips"),
        Line("    Often: yes"),
        Line("Steps", strong=True),
        Line("  one"),
        Line("  two"),
    ]


def test_a_text_is_shown_with_its_html_and_printed_as_markdown() -> None:
    """A kind that says only which field is Markdown has all that a tutorial has."""
    kind = SummaryKind()
    body = {"markdown": "*Loop*", "words": 1}
    shown = kind.show(body, version=2, html="<em>Loop</em>")
    assert shown == body | {"html": "<em>Loop</em>", "version": 2}
    schema = TypeAdapter(kind.shown).json_schema()
    assert (schema["title"], list(schema["properties"])) == ("ShortSummary", list(shown))
    assert kind.label == "Short summary"
    assert list(kind.printed(shown)) == [Line("*Loop*", markdown=True), Line("Words: 1")]


def test_two_kinds_of_one_name_are_refused() -> None:
    """Whoever adds a second kind of a name is told which file has the first."""

    def found() -> Iterator[tuple[str, Kind]]:
        yield "first.py", SummaryKind()
        yield "second.py", SummaryKind()

    with pytest.raises(ValueError, match=r"second\.py and first\.py both call their kind"):
        one_of_each_name(found())
