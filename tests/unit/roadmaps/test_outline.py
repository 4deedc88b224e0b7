"""A structure as a value, and as text with keys."""

from __future__ import annotations

import re

import pytest

from roadmaps.outline import Keys, as_text, from_draft
from roadmaps.outputs import CurriculumDraft
from tests.factories import outline


def test_as_text() -> None:
    """One line per part with its key, indented by level, prerequisites as keys."""
    shown = as_text(outline(["A", "B"], ["C"], prerequisites={"C": ["A", "B", "Z"]}))
    assert shown.splitlines() == [
        "S1 Stage",
        "  M1 Module 1",
        "    C1 A (2.0 h, beginner)",
        "    C2 B (2.0 h, beginner)",
        "  M2 Module 2",
        "    C3 C (2.0 h, beginner) after: C1, C2, Z",
    ]


def test_keys_lead_back() -> None:
    """Each key of the text names the part on its line."""
    of = outline(["A", "B"], ["C", "D"], ["E"])
    keys = Keys(of)
    titles = {concept.concept_id: concept.title for concept in of.concepts()}
    found = re.findall(r"(C\d) (\w)", as_text(of))
    assert len(found) == 5
    for key, title in found:
        assert titles[str(keys.concept_id(key))] == title
    modules = {module.module_id: module.title for module in of.modules()}
    assert modules[str(keys.module_id("M3"))] == "Module 3"


def test_references() -> None:
    """A reference may be a key, an id or a title; anything else names nothing."""
    of = outline(["Alpha"])
    (concept,) = of.concepts()
    (module,) = of.modules()
    keys = Keys(of)
    for reference in ("C1", "c1 ", concept.concept_id, "ALPHA", " alpha"):
        assert keys.concept_id(reference) == concept.concept_id
    for reference in ("M1", "m1", "module 1"):
        assert keys.module_id(reference) == module.module_id
    for nothing in (None, "", "C2", "beta"):
        assert keys.concept_id(nothing) is None
        assert keys.module_id(nothing) is None


def test_from_draft() -> None:
    """Ids are unique, titles among prerequisites become ids, and unknown ones stay as they are."""
    of = outline(["A", "B", "a "], prerequisites={"B": [" A", "a", "Z", " "]})
    first, second, third = of.concepts()
    assert len({first.concept_id, second.concept_id, third.concept_id}) == 3
    assert second.prerequisites == (first.concept_id, "Z")
    assert third.title == "a (2)"


@pytest.mark.parametrize("word", ["None", "N/A", "Keine.", "-", "(无)", "لا يوجد"])
def test_who_requires_nothing_in_words_requires_nothing(word: str) -> None:
    """It is no name of a concept that is missing, for which a model would be asked to edit."""
    assert not any(
        concept.prerequisites for concept in outline(["A"], prerequisites={"A": [word]}).concepts()
    )
    _, second = outline([word, "B"], prerequisites={"B": [word]}).concepts()
    assert len(second.prerequisites) == 1, "there is a concept of that name"


def test_a_draft_is_mended_where_no_model_is_needed() -> None:
    """Doubled titles get numbers of their own, and no concept requires itself."""
    of = outline(["A", "A", "a", "A (2)"], prerequisites={"A": ["a", "A (2)"]})
    titles = [concept.title for concept in of.concepts()]
    assert titles == ["A", "A (2)", "a (3)", "A (2) (2)"]
    first, second, *_ = of.concepts()
    assert first.concept_id not in first.prerequisites
    assert first.concept_id in second.prerequisites, "who requires the name means the first"


def test_blank_titles() -> None:
    """What a model left blank gets a name."""
    concept = {
        "title": " ",
        "description": "",
        "estimated_hours": 1,
        "difficulty": "beginner",
        "prerequisites": [],
    }
    draft = CurriculumDraft.model_validate(
        {
            "title": " ",
            "summary": "",
            "stages": [{"title": "S", "modules": [{"title": "M", "concepts": [concept]}]}],
        }
    )
    of = from_draft(draft)
    assert of.title == "Roadmap"
    assert next(of.concepts()).title == "Untitled"


def test_module_of() -> None:
    """A concept's module can be found."""
    of = outline(["A"], ["B"])
    second = list(of.concepts())[1]
    assert of.module_of(second.concept_id).title == "Module 2"
