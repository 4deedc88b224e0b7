"""Readers pass on what is newer than they are; writers make no mistakes."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from api.shapes import EVENT_EXAMPLE
from notifications.events import ContentCompleted, ContentDelta, StreamEvent, parse_event
from notifications.reading import UnknownEvent, open_schema, read_copy, read_event
from tests.junk import MISSING, WRONG, raw_garbage

TASK = "01990000-0000-7000-8000-000000000000"
CONCEPT = "01990000-0000-7000-8000-000000000001"


def delta(**more: Any) -> dict[str, Any]:
    """Return a piece of streamed text."""
    data = {"concept_id": CONCEPT, "kind": "quiz", "version": 1, "offset": 0, "text": "Hi"}
    at = "2026-11-22T10:00:00.123Z"
    return {"type": "content_delta", "task_id": TASK, "at": at, "data": data, **more}


def test_known_events_are_read_as_what_they_are() -> None:
    """A committed and a transient event are read by their type."""
    assert isinstance(read_event(EVENT_EXAMPLE), ContentCompleted)
    assert isinstance(read_event(delta()), ContentDelta)


def test_new_fields_pass_through() -> None:
    """Fields that a newer version adds are kept beside the known ones, at the top and inside."""
    newer = {**EVENT_EXAMPLE, "trace": "abc", "data": {**EVENT_EXAMPLE["data"], "words": 900}}  # type: ignore[dict-item]
    event = read_event(newer)
    assert isinstance(event, ContentCompleted)
    assert (event.model_extra, event.data.model_extra) == ({"trace": "abc"}, {"words": 900})
    with pytest.raises(ValidationError):
        parse_event(newer)


@pytest.mark.parametrize("seq", [7, None])
def test_new_types_pass_through(seq: int | None) -> None:
    """An event of a type that is not known keeps everything, its number above all."""
    newer = {"type": "content_praised", "task_id": TASK, "data": {"stars": 5}}
    event = read_event(newer if seq is None else {**newer, "seq": seq})
    assert isinstance(event, UnknownEvent)
    assert event.seq == seq
    assert event.model_dump(mode="json")["data"] == {"stars": 5}


@pytest.mark.parametrize("broken", [{}, [], "x", {"type": 1}, {**EVENT_EXAMPLE, "seq": 0}])
def test_what_is_no_event_is_refused(broken: Any) -> None:
    """Being newer is no excuse for being broken."""
    with pytest.raises(ValidationError):
        read_event(broken)


def test_the_schema_lets_fields_be_added() -> None:
    """Who checks events against the published schema is not broken by a new field."""
    validator = Draft202012Validator(open_schema(StreamEvent))
    validator.validate({**EVENT_EXAMPLE, "new": 1})
    validator.validate(delta(new=1))
    assert not validator.is_valid({**EVENT_EXAMPLE, "seq": "one"})
    assert not validator.is_valid(delta(data={}))


@pytest.mark.parametrize("field", ["type", "seq", "at", "task_id"])
def test_what_anybody_published_is_no_event(field: str) -> None:
    """A copy whose type, number, time or task is anything else is read as nothing, never raises."""
    good = {**EVENT_EXAMPLE, "task_id": TASK}
    assert read_copy(json.dumps(good).encode(), task_id=UUID(TASK)) == good
    for name, wrong in WRONG.items():
        if wrong is MISSING or (field, name) == ("type", "text") or (field, wrong) == ("seq", 7):
            continue
        copy = json.dumps({**good, field: wrong}).encode()
        assert read_copy(copy, task_id=UUID(TASK)) is None, name
    for case in raw_garbage():
        assert read_copy(case.raw, task_id=UUID(TASK)) is None, case.name
