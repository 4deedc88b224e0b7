"""The API as others see it: addresses, names, shapes. A change here is a breaking change."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from api.app import create_app
from api.decisions import ReviewDecision
from api.routes.results import PartRegeneration
from api.routes.workflows import WorkflowRequest
from api.shapes import EventList, Review, Task
from notifications.events import EventType, parse_event
from roadmaps.queries import Concept, RoadmapView
from roadmaps.requests import MarkRequest, QuizAnswers, RegenerateRequest, TaskRequest

SCHEMA: dict[str, Any] = create_app().openapi()

OPERATIONS = {
    ("post", "/api/v1/tasks"): "createTask",
    ("get", "/api/v1/tasks"): "listTasks",
    ("get", "/api/v1/tasks/{task_id}"): "getTask",
    ("get", "/api/v1/tasks/{task_id}/events"): "listTaskEvents",
    ("get", "/api/v1/tasks/{task_id}/stream"): "streamTaskEvents",
    ("get", "/api/v1/tasks/{task_id}/review"): "getReview",
    ("post", "/api/v1/tasks/{task_id}/review"): "decideReview",
    ("post", "/api/v1/tasks/{task_id}/retry"): "retryTask",
    ("post", "/api/v1/tasks/{task_id}/cancel"): "cancelTask",
    ("get", "/api/v1/roadmaps/{roadmap_id}"): "getRoadmap",
    ("get", "/api/v1/roadmaps/{roadmap_id}/concepts/{concept_id}"): "getConcept",
    (
        "post",
        "/api/v1/roadmaps/{roadmap_id}/concepts/{concept_id}/regenerate",
    ): "regenerateContents",
    ("get", "/api/v1/roadmaps/{roadmap_id}/progress"): "getProgress",
    ("put", "/api/v1/roadmaps/{roadmap_id}/concepts/{concept_id}/mark"): "markConcept",
    ("put", "/api/v1/roadmaps/{roadmap_id}/concepts/{concept_id}/done"): "markDone",
    ("delete", "/api/v1/roadmaps/{roadmap_id}/concepts/{concept_id}/done"): "markNotDone",
    ("put", "/api/v1/roadmaps/{roadmap_id}/concepts/{concept_id}/quiz-answers"): "answerQuiz",
    ("get", "/api/v1/notifications"): "listNotifications",
    ("get", "/api/v1/notifications/unread-count"): "countUnread",
    ("post", "/api/v1/notifications/{notification_id}/read"): "readNotification",
    ("post", "/api/v1/notifications/read-all"): "readAll",
    ("get", "/api/v1/notifications/stream"): "streamNotifications",
    ("post", "/api/v1/stream-tickets"): "createStreamTicket",
    ("get", "/api/v1/admin/redis"): "adminRedis",
    ("get", "/api/v1/admin/streams"): "adminStreams",
    ("get", "/api/v1/admin/database"): "adminDatabase",
    ("get", "/api/v1/admin/queue"): "adminQueue",
    ("get", "/livez"): "livez",
    ("get", "/readyz"): "readyz",
    ("get", "/health"): "health",
    ("get", "/metrics"): "metrics",
}
BODIES: dict[str, Any] = {
    "createTask": TaskRequest,
    "createWorkflowTask": WorkflowRequest,
    "decideReview": ReviewDecision,
    "regeneratePart": PartRegeneration,
    "regenerateContents": RegenerateRequest,
    "answerQuiz": QuizAnswers,
    "markConcept": MarkRequest,
}
FIELDS = {
    Task: "task_id user_id goal status current_step roadmap_id progress error failed_contents usage"
    " created_at started_at finished_at links",
    EventList: "events next_after",
    RoadmapView: "roadmap_id task_id title summary version stages",
    Concept: "concept_id title description estimated_hours difficulty prerequisites contents"
    " tutorial resources quiz",
    Review: "version round due_at roadmap diff",
}


@pytest.mark.parametrize(("operation", "name"), OPERATIONS.items(), ids=str)
def test_addresses_and_names_stay(operation: tuple[str, str], name: str) -> None:
    """Each promised address is there, under its stable operationId."""
    method, path = operation
    assert SCHEMA["paths"][path][method]["operationId"] == name


@pytest.mark.parametrize(
    ("path", "operation"),
    [(p, o) for p, operations in SCHEMA["paths"].items() for o in operations.values()],
    ids=lambda value: value if isinstance(value, str) else value["operationId"],
)
def test_errors_are_documented_as_problems(path: str, operation: dict[str, Any]) -> None:
    """Every versioned operation documents its errors as problem+json."""
    if not path.startswith("/api/v1"):
        return
    errors = {s: r for s, r in operation["responses"].items() if s >= "400"}
    assert errors.keys() >= {"401", "422", "429", "503"}
    for response in errors.values():
        assert "application/problem+json" in response["content"]


@pytest.mark.parametrize("name", BODIES)
def test_the_examples_are_valid(name: str) -> None:
    """What the documentation shows as a body is one."""
    [operation] = [
        o for ops in SCHEMA["paths"].values() for o in ops.values() if o["operationId"] == name
    ]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    assert examples
    for example in examples.values():
        TypeAdapter(BODIES[name]).validate_python(example["value"])


def test_the_example_of_an_event_is_one() -> None:
    """The event that the documentation shows has the events' shape."""
    [event] = SCHEMA["components"]["schemas"]["EventList"]["properties"]["events"]["examples"][0]
    parse_event(event)


@pytest.mark.parametrize("model", FIELDS, ids=lambda model: model.__name__)
def test_fields_are_never_renamed(model: Any) -> None:
    """The promised fields of each shape are there."""
    assert model.model_fields.keys() >= set(FIELDS[model].split())


def test_events_are_described_in_full() -> None:
    """The document has the schema of every type of event, and lists refer to it."""
    schemas = SCHEMA["components"]["schemas"]
    assert schemas["EventList"]["properties"]["events"]["items"] == {
        "$ref": "#/components/schemas/TaskEvent"
    }
    assert set(schemas["TaskEvent"]["discriminator"]["mapping"]) == set(EventType)


def test_every_reference_in_the_schema_can_be_followed() -> None:
    """The OpenAPI document refers to nothing that it does not have."""
    text = str(SCHEMA)
    names = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= SCHEMA["components"]["schemas"].keys()
