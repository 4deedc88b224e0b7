"""The sample author's edits do what the feedback says, on the outline it is shown."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from core.settings import Settings
from llm import Call, create_author
from roadmaps.inputs import CallKind, EditInputs, Learner
from roadmaps.outputs import EditPlan, EditScript
from roadmaps.sample.outline import read_outline
from tests.prompts import prompt_of

OUTLINE = """S1 Foundations
  M1 First steps
    C1 Ownership (3.0 h, beginner)
    C2 Unsafe code (2.0 h, advanced) after: C1
  M2 History
    C3 Old days (2 h, beginner) after: C2
S2 Going on
  M3 Tools
    C4 Cargo (1.0 h, beginner) after: C1, C3
"""


def edited(
    feedback: str, *, outline: str = OUTLINE, source: str = "human_review", language: str = "en"
) -> list[dict[str, Any]]:
    """Return the operations for a feedback, without their null fields."""
    inputs = EditInputs(
        learner=Learner(goal="Learn Rust", hours_per_week=2),
        language=language,
        outline=outline,
        feedback=feedback,
        source=source,
        plan="",
    )
    author = create_author(Settings(sample_latency_s=0))
    plan_call = Call(prompt=prompt_of(CallKind.EDIT_PLAN_ANALYSIS, inputs), output=EditPlan)
    script_call = Call(prompt=prompt_of(CallKind.ROADMAP_EDIT, inputs), output=EditScript)
    plan = asyncio.run(author.complete(plan_call)).value
    script = asyncio.run(author.complete(script_call)).value
    assert len(plan.intents) == len(script.operations)
    return [operation.model_dump(exclude_none=True) for operation in script.operations]


def test_an_outline_is_read_with_keys_hours_and_what_comes_before() -> None:
    """Also a title with parentheses, and a prerequisite that names no concept."""
    text = "S1 A\n  M1 B\n    C1 Waves (and (other) things) (1.5 h, advanced) after: C2, Nowhere\n"
    concept = read_outline(text).concepts["C1"]
    assert concept.title == "Waves (and (other) things)"
    assert (concept.hours, concept.difficulty) == (1.5, "advanced")
    assert (concept.module, concept.after) == ("M1", ("C2", "Nowhere"))


def test_removing_a_concept_also_frees_what_came_after_it() -> None:
    """No prerequisite is left hanging."""
    assert edited("Please remove Unsafe code.") == [
        {"op": "remove", "concept": "C2"},
        {"op": "update", "concept": "C3", "prerequisites": []},
    ]


@pytest.mark.parametrize(
    ("feedback", "language"),
    [
        ("Drop the module on History", "en"),
        ("Bitte das Modul History entfernen", "de"),
        ("Por favor, elimina el módulo History", "es"),
        ("Supprimez le module History", "fr"),
        ("请删除History", "zh"),
    ],
)
def test_a_module_is_removed_with_its_concepts(feedback: str, language: str) -> None:
    """In each language that the sample author writes."""
    assert {"op": "remove", "concept": "C3"} in edited(feedback, language=language)


def test_adding_names_module_title_hours_and_difficulty() -> None:
    """An added concept is complete, and stands where the feedback says."""
    (operation,) = edited("Add a concept about lifetimes")
    assert operation["op"] == "add"
    assert operation["title"] == "Lifetimes"
    assert operation["module"] in {"M1", "M2", "M3"}
    assert operation["estimated_hours"] > 0
    assert {"description", "difficulty", "prerequisites"} <= operation.keys()


def test_several_wishes_are_all_met() -> None:
    """One sentence may hold more than one wish."""
    operations = edited("Remove unsafe code and add a module about async programming.")
    assert [operation["op"] for operation in operations[:3]] == ["remove", "add", "add"]
    assert all("sync programming" in operation["title"] for operation in operations[1:3])


def test_renaming_keeps_everything_else() -> None:
    """Only the title changes."""
    assert edited('Rename Cargo to "The Cargo book"') == [
        {"op": "update", "concept": "C4", "title": "The Cargo book"}
    ]


def test_moving_names_the_module() -> None:
    """A concept moves into the module that the feedback names."""
    assert edited("Move Cargo to First steps") == [{"op": "move", "concept": "C4", "module": "M1"}]


@pytest.mark.parametrize(
    ("feedback", "field"),
    [("It is too long", "estimated_hours"), ("Too easy", "difficulty"), ("太难了", "difficulty")],
)
def test_wishes_about_the_whole_change_several_concepts(feedback: str, field: str) -> None:
    """Hours or difficulty change where they can."""
    operations = edited(feedback)
    assert operations
    assert all(operation["op"] == "update" and field in operation for operation in operations)


@pytest.mark.parametrize("feedback", ["More practice please", "less theory", "多一些练习"])
def test_more_practice_is_added_to_each_stage(feedback: str) -> None:
    """Each stage ends with something to do."""
    operations = edited(feedback)
    assert [operation["op"] for operation in operations] == ["add", "add"]


@pytest.mark.parametrize(
    "feedback", ["Traits!", "もっと楽しくしてください", "Хотелось бы больше примеров", "🙂", "?"]
)
def test_other_feedback_is_met_in_its_own_words(feedback: str) -> None:
    """Feedback that nobody foresaw leads to a change that quotes it, unless it has no words."""
    operations = edited(feedback)
    if any(char.isalnum() for char in feedback):
        assert feedback.strip("!")[:10].casefold() in str(operations).casefold()
    else:
        assert operations == []


def test_a_pasted_book_is_read_quickly() -> None:
    """Patterns do not blow up on long feedback."""
    started = time.monotonic()
    for text in ("add " + "very " * 40_000, " " * 100_000 + "x", "is " * 50_000, "\n" * 100_000):
        edited(text)
    assert time.monotonic() - started < 5


def test_one_remark_never_removes_everything() -> None:
    """A roadmap is not emptied."""
    assert (
        edited("Remove Foundations", outline="S1 Foundations\n  M1 A\n    C1 B (1 h, beginner)\n")
        == []
    )


def test_broken_prerequisites_circles_names_and_hours_are_mended() -> None:
    """What a check finds is gone after one edit."""
    outline = """S1 A
  M1 B
    C1 One (90.0 h, beginner) after: C2, Nowhere
    C2 Two (90.0 h, beginner) after: C1
    C3 one (1.0 h, beginner) after: C3
"""
    operations = edited(
        "error: unknown prerequisite; circle; duplicate; too many hours",
        outline=outline,
        source="structure_validation",
    )
    concepts: dict[str, dict[str, Any]] = {
        key: {"title": c.title, "hours": c.hours, "after": list(c.after)}
        for key, c in read_outline(outline).concepts.items()
    }
    names = {"title": "title", "estimated_hours": "hours", "prerequisites": "after"}
    for operation in operations:
        for field, name in names.items():
            if field in operation:
                concepts[operation["concept"]][name] = operation[field]

    assert concepts["C2"]["after"] == ["C1"] or concepts["C1"]["after"] == ["C2"]
    assert not (concepts["C1"]["after"] and concepts["C2"]["after"])
    assert concepts["C3"]["after"] == []
    assert concepts["C3"]["title"].casefold() != "one"
    assert sum(concept["hours"] for concept in concepts.values()) <= 104
