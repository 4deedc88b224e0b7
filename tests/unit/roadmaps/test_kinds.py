"""Kinds of contents: found in their folder, shown and printed by what they say of themselves."""

from __future__ import annotations

from roadmaps.kinds import KINDS, printed
from roadmaps.kinds.printed import Line


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
