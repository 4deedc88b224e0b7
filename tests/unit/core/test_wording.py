"""What is wrong with a value, in words for people."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError

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
        ({"decision": "reject", "feedback": "\u202e\u200b"}, "something to read in it"),
        ({"decision": "reject", "feedback": " "}, "a rejection needs `feedback`"),
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


class Bounds(BaseModel):
    """Values of every kind that has bounds."""

    day: Annotated[date, Field(gt=date(2020, 1, 1))] = date(2021, 1, 1)
    hour: Annotated[time, Field(lt=time(12))] = time(1)
    at: Annotated[datetime, Field(ge=datetime(2020, 1, 1))] = datetime(2021, 1, 1)  # noqa: DTZ001
    lasts: Annotated[timedelta, Field(le=timedelta(days=2))] = timedelta(1)
    price: Annotated[Decimal, Field(ge=Decimal("1000000.25"))] = Decimal(2000000)
    most: Annotated[int, Field(le=2_147_483_647)] = 1
    share: Annotated[float, Field(le=0.125)] = 0
    large: Annotated[float, Field(lt=5e6)] = 1
    tiny: Annotated[float, Field(gt=1e-9)] = 1


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("day", "2019-01-01", "must be above 2020-01-01"),
        ("hour", "13:00", "must be below 12:00:00"),
        ("at", "2019-01-01T00:00:00", "must be 2020-01-01T00:00:00 or more"),
        ("lasts", "P3D", "must be 2 days or less"),
        ("price", "1", "must be 1,000,000.25 or more"),
        ("most", 2**31, "must be 2,147,483,647 or less"),
        ("share", 1, "must be 0.125 or less"),
        ("large", 6e6, "must be below 5,000,000"),
        ("tiny", 0, "must be above 1e-09"),
    ],
)
def test_bounds(name: str, value: Any, reason: str) -> None:
    """What is out of bounds hears of them, also of those of dates, times and durations."""
    with pytest.raises(ValidationError) as caught:
        Bounds.model_validate({name: value})
    assert said(caught.value.errors()[0]) == reason


def test_a_rule_without_words_of_ours_still_reads_on() -> None:
    """What pydantic says of a rule that we do not know goes on from the value's name."""
    assert said({"type": "new_rule", "msg": "Input should be round"}) == (
        "is not valid: input should be round"
    )
