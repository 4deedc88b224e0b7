"""The models of answers: readable whatever another release of the server adds or leaves out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

import roadmap_client as package
from roadmap_client import Event, Roadmap, Task, models
from roadmap_client.answer import Answer


def all_models() -> list[type[Answer]]:
    """Return the generated models."""
    found = [value for value in vars(models).values() if isinstance(value, type)]
    return [m for m in found if issubclass(m, Answer) and m.__module__ == models.__name__]


def test_every_model_can_be_imported_from_the_package() -> None:
    """What the methods return, and what that is made of, has a public name."""
    assert {model.__name__ for model in all_models()} <= set(package.__all__)


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model.__name__)
def test_no_word_of_tomorrow_is_refused(model: type[Answer]) -> None:
    """No field holds a closed list of words, each model keeps fields it does not know."""
    schema = json.dumps(model.model_json_schema())
    assert '"enum":' not in schema
    assert '"const":' not in schema
    assert model.model_config["extra"] == "allow"
    assert model.model_config["frozen"]


def test_an_answer_of_a_later_server(script: Any) -> None:
    """Unknown statuses, steps and fields are kept, and come out as they came in."""
    document = script.task() | {
        "status": "hibernating",
        "current_step": "snoring",
        "line": {"position": 1, "reason": "moon", "message": "At night", "phase": "new"},
        "mood": {"colour": "blue"},
    }
    task = Task.model_validate(document)
    assert (task.status, task.line and task.line.reason, task.ended) == (
        "hibernating",
        "moon",
        False,
    )
    assert task.document() == document


def test_an_answer_of_an_earlier_server(script: Any) -> None:
    """What came later is None, 0 or empty; what a task cannot be without is asked for."""
    task = Task.model_validate(script.task())
    assert (task.usage, task.failed_contents, task.failed_count, task.links) == (None, [], 0, {})
    assert task.started_at is None
    assert task.created_at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert task.document() == script.task()
    with pytest.raises(ValidationError, match="progress"):
        Task.model_validate({k: v for k, v in script.task().items() if k != "progress"})


def test_what_the_models_can_do(event: Any) -> None:
    """A terminal event, an ended task and a roadmap's concepts are told by their models."""
    assert Event.model_validate(event(3, "task_failed")).terminal
    assert Event.model_validate(event(None, "content_delta")).seq is None
    state = {"status": "pending"}
    contents = {"tutorial": state, "resources": state, "quiz": state}
    concepts = [{"concept_id": c, "title": c, "contents": contents} for c in "ab"]
    modules = [{"module_id": c["title"], "title": "m", "concepts": [c]} for c in concepts]
    roadmap = Roadmap.model_validate(
        {
            "roadmap_id": "r",
            "task_id": "t",
            "title": "Letters",
            "version": 1,
            "stages": [{"stage_id": "s", "title": "s", "modules": modules}],
        }
    )
    assert [concept.title for concept in roadmap.concepts()] == ["a", "b"]
