"""What models say in place of what they were asked for is known by the shape, not by the reader."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from llm import Output
from llm.answers import UnusableAnswerError, read_answer
from llm.parts import parts_to_ask
from llm.reading.rules import PLAIN, rules_of
from roadmaps.reading import READING

OWN = PLAIN.also(
    other_names={"dish": ("meal", "plate")},
    wrappers=frozenset({"menu"}),
    words={"vegan": "plants plantbased", "any": "mixed"},
    otherwise=frozenset({"any"}),
    may_be_empty=frozenset({"note"}),
    unknown_hours=0.5,
)


class Course(Output):
    """One dish."""

    read_by = OWN

    dish: str
    diet: Literal["vegan", "any"]
    note: str
    cooking_hours: float = Field(ge=0.25, le=5)


class Menu(Output):
    """Several of them."""

    read_by = OWN

    courses: list[Course] = Field(min_length=1)
    title: str


class Stranger(BaseModel):
    """A shape that brings nothing."""

    title: str
    summary: str
    severity: Literal["error", "warning"]
    dish: str


def test_a_shapes_own_words_are_understood() -> None:
    """Names, synonyms, wrappers, gaps and hours are read by its own rules."""
    given: dict[str, Any] = {"meal": "Soup", "diet": "Plant-based", "cooking_hours": "not long"}
    whole = {"version": 1, "menu": {"courses": [given, given | {"diet": "fishy"}], "title": "M"}}

    menu = read_answer(json.dumps(whole), Menu)

    assert [course.dish for course in menu.courses] == ["Soup", "Soup"]
    assert [course.diet for course in menu.courses] == ["vegan", "any"]
    assert (menu.courses[0].note, menu.courses[0].cooking_hours) == ("", 0.5)


def test_a_shape_without_rules_is_read_by_those_for_any() -> None:
    """Common names and words are understood, another shape's are not."""
    given = {"name": "T", "description": "S", "severity": "fatal", "dish": "D"}
    assert read_answer(json.dumps(given), Stranger) == Stranger(
        title="T", summary="S", severity="error", dish="D"
    )
    with pytest.raises(UnusableAnswerError, match="dish"):
        read_answer(json.dumps({**given, "meal": "D", "dish": None}), Stranger)
    with pytest.raises(UnusableAnswerError, match="severity"):
        read_answer(json.dumps({**given, "dish": "D", "severity": "who knows"}), Stranger)


def test_parts_that_are_asked_for_anew_are_read_alike() -> None:
    """The shape of the parts alone has the rules of the whole."""
    bad = {"dish": "Soup", "diet": 7, "note": "", "cooking_hours": 1}
    good = bad | {"diet": "any"}
    with pytest.raises(UnusableAnswerError) as unusable:
        read_answer(json.dumps({"courses": [good, bad], "title": "M"}), Menu)
    assert unusable.value.misfit is not None
    parts = parts_to_ask(unusable.value.misfit)

    assert parts is not None
    assert rules_of(parts.shape) is OWN
    anew = {"courses": [{"plate": "Stew", "diet": "plants", "cooking_hours": 1}]}
    menu = parts.put_in(json.dumps(anew), Menu, notes=[])
    assert (menu.courses[1].dish, menu.courses[1].diet) == ("Stew", "vegan")


def test_rules_that_know_more_still_know_what_all_know() -> None:
    """A roadmap's rules are those for any shape, and more."""
    assert READING.wrappers > PLAIN.wrappers
    assert READING.words.keys() > PLAIN.words.keys()
    assert READING.other_names.keys() > PLAIN.other_names.keys()
