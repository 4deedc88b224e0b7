"""What comes from outside is checked once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from core.errors import InvalidRequestError
from core.request_shapes import parse_request, storable
from core.states import Decision
from roadmaps.requests import Edit, RegenerateRequest, ReviewDecision, TaskRequest

KEY = str(uuid.uuid4())
EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)


def test_defaults() -> None:
    """A goal is enough; a review is wanted unless it is declined."""
    request = parse_request(TaskRequest, {"goal": "  Learn Rust \n"})
    assert request.goal == "Learn Rust"
    assert request.review is True
    assert request.preferences.model_dump() == {
        "level": "beginner",
        "hours_per_week": 5,
        "language": None,
        "background": None,
        "content_formats": [],
    }


@pytest.mark.parametrize("length", [1, 2000])
def test_goal_of_legal_length(length: int) -> None:
    """A goal has 1 to 2,000 characters, blanks at its ends not counted."""
    assert parse_request(TaskRequest, {"goal": f" {'x' * length} "}).goal == "x" * length


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "goal"),
        (None, "request"),
        ("Learn Rust", "request"),
        ([1], "request"),
        ({"goal": ""}, "goal"),
        ({"goal": " \t\n"}, "goal"),
        ({"goal": "x" * 2001}, "goal"),
        ({"goal": "a\x00b"}, "goal"),
        ({"goal": "a\ud800b"}, "goal"),
        ({"goal": 5}, "goal"),
        ({"goal": "x", "colour": "red"}, "colour"),
        ({"goal": "x", "review": "perhaps"}, "review"),
        ({"goal": "x", "preferences": {"level": "expert"}}, "preferences.level"),
        ({"goal": "x", "preferences": {"hours_per_week": 0}}, "preferences.hours_per_week"),
        ({"goal": "x", "preferences": {"hours_per_week": 169}}, "preferences.hours_per_week"),
        ({"goal": "x", "preferences": {"language": "e"}}, "preferences.language"),
        ({"goal": "x", "preferences": {"language": "e" * 36}}, "preferences.language"),
        ({"goal": "x", "preferences": {"language": "\x00\x00"}}, "preferences.language"),
        ({"goal": "x", "preferences": {"background": "b" * 4001}}, "preferences.background"),
        ({"goal": "x", "preferences": {"background": "\udfff"}}, "preferences.background"),
        ({"goal": "x", "preferences": {"content_formats": ["a"] * 21}}, "content_formats"),
        ({"goal": "x", "preferences": {"content_formats": [" "]}}, "content_formats.0"),
        ({"goal": "x", "preferences": {"content_formats": ["a" * 51]}}, "content_formats.0"),
        ({"goal": "x", "preferences": {"mood": "good"}}, "preferences.mood"),
    ],
)
def test_refused(data: Any, field: str) -> None:
    """What does not fit is refused, and the message names the field."""
    with pytest.raises(InvalidRequestError, match=field):
        parse_request(TaskRequest, data)


def test_all_problems_at_once() -> None:
    """Every wrong field is named, and no value is echoed."""
    with pytest.raises(InvalidRequestError) as caught:
        parse_request(TaskRequest, {"goal": "", "x": "secret-canary"})
    assert "goal must not be empty" in caught.value.message
    assert "x is not known" in caught.value.message
    assert "canary" not in caught.value.message


@given(st.text())
def test_any_text(text: str) -> None:
    """Whatever a goal is, it is refused, or can be stored."""
    try:
        goal = TaskRequest(goal=text).goal
    except ValidationError:
        return
    assert storable(goal) == goal


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_storable(text: str) -> None:
    """A text made storable has no NUL and can be encoded; a good one stays as it is."""
    made = storable(text)
    assert "\x00" not in made
    made.encode()
    if "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert made == text


def test_decisions() -> None:
    """Approve needs nothing, reject a feedback, edit its edits."""
    assert ReviewDecision(decision=Decision.APPROVE).edits is None
    assert ReviewDecision(decision=Decision.REJECT, feedback=" shorter ").feedback == "shorter"
    remove = {"op": "remove", "concept_id": KEY}
    decision = ReviewDecision.model_validate({"decision": "edit", "edits": [remove]})
    assert decision.edits is not None
    assert len(decision.edits) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"decision": "reject"}, "feedback"),
        ({"decision": "reject", "feedback": "  "}, "feedback"),
        ({"decision": "edit"}, "edits"),
        ({"decision": "edit", "edits": []}, "edits"),
        ({"decision": "approve", "edits": [{"op": "remove", "concept_id": KEY}]}, "goes with"),
        ({"decision": "postpone"}, "decision"),
        ({"decision": "approve", "note": "x"}, "note"),
        ({"decision": "reject", "feedback": "x" * 4001}, "feedback"),
        ({"decision": "reject", "feedback": "\x00"}, "NUL"),
        ({"decision": "edit", "edits": [{"op": "remove", "concept_id": KEY}] * 501}, "500"),
    ],
)
def test_decisions_refused(data: dict[str, Any], said: str) -> None:
    """A decision that is incomplete or contradicts itself is refused with the reason."""
    with pytest.raises(ValidationError, match=said):
        ReviewDecision.model_validate(data)


@pytest.mark.parametrize(
    "data",
    [
        {"op": "explode"},
        {"op": "rename", "title": "x"},
        {"op": "rename", "title": "x", "concept_id": KEY, "module_id": KEY},
        {"op": "rename", "title": " ", "concept_id": KEY},
        {"op": "rename", "title": "x" * 201, "concept_id": KEY},
        {"op": "rename", "title": "\x00", "concept_id": KEY},
        {"op": "remove", "concept_id": "C1"},
        {"op": "remove", "concept_id": KEY, "why": "x"},
        {"op": "add", "module_id": KEY, "title": "x", "estimated_hours": 0.4},
        {"op": "add", "module_id": KEY, "title": "x", "estimated_hours": float("nan")},
        {"op": "add", "module_id": KEY, "title": "x", "estimated_hours": float("inf")},
        {"op": "add", "module_id": KEY, "title": "x", "position": -1},
        {"op": "add", "module_id": KEY, "title": "x", "prerequisites": [KEY] * 51},
        {"op": "move", "concept_id": KEY, "position": -1},
        {"op": "update", "concept_id": KEY, "difficulty": "hard"},
        {"op": "update", "concept_id": KEY, "description": "\ud800"},
    ],
)
def test_edits_refused(data: dict[str, Any]) -> None:
    """An edit that does not fit its shape is refused."""
    with pytest.raises(ValidationError):
        EDIT.validate_python(data)


@pytest.mark.parametrize("kinds", [[], ["poem"], ["quiz"] * 4])
def test_regenerate_refused(kinds: list[str]) -> None:
    """At least one known kind, three at most."""
    with pytest.raises(ValidationError):
        RegenerateRequest.model_validate({"kinds": kinds})
