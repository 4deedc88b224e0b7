"""What is wrong with a value, in words for people."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from core.wording import said
from roadmaps.requests import ReviewDecision, TaskRequest


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({}, "is missing"),
        ({"goal": ""}, "must not be empty"),
        ({"goal": " \u200b\u3164"}, "must have something to read in it"),
        ({"goal": 3}, "must be text"),
        ({"goal": "x" * 2001}, "may have at most 2,000 characters; it has 2,001"),
        ({"goal": "a", "gaol": "b"}, "is not known here"),
        ({"goal": "a", "review": "perhaps"}, "must be true or false"),
        ({"goal": "a", "preferences": {"level": "x"}}, "'beginner', 'intermediate' or 'advanced'"),
        ({"goal": "a", "preferences": {"hours_per_week": 0}}, "must be 1 or more"),
        ({"goal": "a", "preferences": {"hours_per_week": "many"}}, "must be a whole number"),
        ({"goal": "a", "preferences": {"content_formats": ["b"] * 21}}, "at most 20 entries"),
        ({"goal": "a", "preferences": {"content_formats": ["\u200b"]}}, "something to read"),
        ({"goal": "a", "preferences": []}, "must be an object"),
    ],
)
def test_requests(request_: dict[str, Any], reason: str) -> None:
    """Each rule of a request has words of ours."""
    with pytest.raises(ValidationError) as caught:
        TaskRequest.model_validate(request_)
    assert reason in said(caught.value.errors()[0])


@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        ({"decision": "reject", "feedback": "\u202e\u200b"}, "a rejection needs `feedback`"),
        ({"decision": "edit", "edits": [{"op": "zap"}]}, "one of 'rename', 'remove'"),
        ({"decision": "edit", "edits": [{}]}, "must say what it is by 'op'"),
        (
            {"decision": "edit", "edits": [{"op": "rename", "stage_id": "1", "title": "\u2800"}]},
            "must be an id",
        ),
    ],
)
def test_decisions(decision: dict[str, Any], reason: str) -> None:
    """Edits and feedback, too; a title that nobody can see is none."""
    with pytest.raises(ValidationError) as caught:
        ReviewDecision.model_validate(decision)
    assert reason in said(caught.value.errors()[0])
    assert not any("should" in said(error) for error in caught.value.errors())


def test_a_rule_without_words_of_ours_still_reads_on() -> None:
    """What pydantic says of a rule that we do not know goes on from the value's name."""
    assert said({"type": "new_rule", "msg": "Input should be round"}) == (
        "is not valid: input should be round"
    )
