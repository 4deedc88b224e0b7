"""The outline as text, and the edits its changes ask for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from cli.exits import CommandError
from cli.outline_edit import to_edits, to_text
from roadmaps.edits import apply_edits
from roadmaps.outline import Outline
from roadmaps.requests import Edit

_EDITS: TypeAdapter[list[Any]] = TypeAdapter(list[Edit])


def roadmap() -> dict[str, Any]:
    """Return a roadmap of one stage, two modules, five concepts."""
    names = iter(range(1, 10))

    def concept(title: str) -> dict[str, Any]:
        return {
            "concept_id": f"01990000-0000-7000-8000-00000000000{next(names)}",
            "title": title,
            "description": "",
            "estimated_hours": 2.0,
            "difficulty": "beginner",
            "prerequisites": [],
        }

    modules = [
        {
            "module_id": "01990000-0000-7000-8000-0000000000a1",
            "title": "Basics",
            "concepts": [concept("One"), concept("Two"), concept("Three")],
        },
        {
            "module_id": "01990000-0000-7000-8000-0000000000a2",
            "title": "More",
            "concepts": [concept("Four"), concept("Five")],
        },
    ]
    stage = {"stage_id": "01990000-0000-7000-8000-0000000000f1", "title": "S", "modules": modules}
    return {"title": "R", "summary": "", "stages": [stage]}


def after(text: str) -> list[list[str]]:
    """Return the concepts' titles per module once a changed text was applied by the workflow."""
    edits = _EDITS.validate_python(to_edits(roadmap(), text))
    outline = apply_edits(Outline.model_validate(roadmap()), edits)
    return [[concept.title for concept in module.concepts] for module in outline.modules()]


def test_an_unchanged_text_asks_for_nothing() -> None:
    """Text out, text in: no edits."""
    assert to_edits(roadmap(), to_text(roadmap())) == []


def test_renaming_removing_moving_and_adding_arrive() -> None:
    """What the text shows is what the workflow makes of its edits."""
    text = """
S [S1]
  Fundamentals [M1]
    Three [C3]
    One and only [C1]
    Brand new
  More [M2]
    Five [C5]
    Two [C2]
"""
    assert after(text) == [["Three", "One and only", "Brand new"], ["Five", "Two"]]
    edits = to_edits(roadmap(), text)
    assert edits[0]["title"] == "Fundamentals"
    assert [edit["op"] for edit in edits].count("remove") == 1


def test_a_title_may_begin_like_a_remark() -> None:
    """Its line is no remark, so nothing is removed; others may be remarks with a mark."""
    hashed = roadmap()
    module = hashed["stages"][0]["modules"][0]
    module["title"] = "#hashtags"
    module["concepts"][1]["title"] = "#include"
    text = to_text(hashed)
    assert to_edits(hashed, text) == []
    renamed = to_edits(hashed, text.replace("#include", "#include and #define"))
    assert [(edit["op"], edit["title"]) for edit in renamed] == [("rename", "#include and #define")]
    left_out = to_edits(hashed, text.replace("    One", "#   One"))
    assert [edit["op"] for edit in left_out] == ["remove"]


def test_an_emptied_module_disappears() -> None:
    """Concepts moved away leave no empty module."""
    text = "S [S1]\nBasics [M1]\nOne [C1]\nTwo [C2]\nThree [C3]\nFour [C4]\nFive [C5]\nMore [M2]\n"
    assert after(text) == [["One", "Two", "Three", "Four", "Five"]]


@pytest.mark.parametrize(
    "text",
    ["Basics [M1]\nOne [C9]\n", "Basics [M1]\nOne [C1]\nOne [C1]\n", "New without a module\n"],
)
def test_a_text_that_makes_no_sense_is_refused(text: str) -> None:
    """Unknown or doubled marks, and concepts outside modules, are named by their line."""
    with pytest.raises(CommandError, match="Line"):
        to_edits(roadmap(), text)
