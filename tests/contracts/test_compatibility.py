"""Clients of the released API can go on using the present one."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from docs.compatibility import ADVICE, RELEASED, breaking_changes
from docs.generate import openapi

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = "/api/v1/tasks"


def test_nothing_released_is_broken() -> None:
    """What the released OpenAPI document promises is still there."""
    released = json.loads(RELEASED.read_text(encoding="utf-8"))
    found = breaking_changes(released, json.loads(openapi()))
    assert not found, "\n".join([*found, ADVICE])


def _schemas(document: dict[str, Any]) -> dict[str, Any]:
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas


def _no_path(document: dict[str, Any]) -> None:
    del document["paths"][TASKS]


def _no_method(document: dict[str, Any]) -> None:
    del document["paths"][TASKS]["post"]


def _other_name(document: dict[str, Any]) -> None:
    document["paths"][TASKS]["post"]["operationId"] = "makeTask"


def _no_field(document: dict[str, Any]) -> None:
    del _schemas(document)["Task"]["properties"]["progress"]


def _may_be_missing(document: dict[str, Any]) -> None:
    _schemas(document)["Task"]["required"].remove("goal")


def _no_value(document: dict[str, Any]) -> None:
    _schemas(document)["Status"]["enum"].remove("cancelled")


def _required_field(document: dict[str, Any]) -> None:
    _schemas(document)["TaskRequest"]["required"].append("review")


def _required_parameter(document: dict[str, Any]) -> None:
    for parameter in document["paths"][TASKS]["get"]["parameters"]:
        parameter["required"] = True


def _no_parameter(document: dict[str, Any]) -> None:
    document["paths"][TASKS]["get"]["parameters"] = []


def _other_type(document: dict[str, Any]) -> None:
    _schemas(document)["TaskRequest"]["properties"]["review"]["type"] = "string"


def _nullable_answer(document: dict[str, Any]) -> None:
    goal = _schemas(document)["Task"]["properties"]["goal"]
    goal["anyOf"] = [{"type": goal.pop("type")}, {"type": "null"}]


def _no_answer(document: dict[str, Any]) -> None:
    del document["paths"][TASKS]["post"]["responses"]["202"]


BREAKS: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (_no_path, f"{TASKS} is gone"),
    (_no_method, f"POST {TASKS} is gone"),
    (_other_name, "was called createTask, now makeTask"),
    (_no_field, "Task.progress is gone"),
    (_may_be_missing, "Task.goal may be missing now"),
    (_no_value, "no value cancelled any more"),
    (_required_field, "TaskRequest.review is required now"),
    (_required_parameter, "limit in query is required now"),
    (_no_parameter, f"GET {TASKS} no longer takes cursor in query"),
    (_other_type, "TaskRequest.review was boolean, now string"),
    (_nullable_answer, "Task.goal was string, now null or string"),
    (_no_answer, f"POST {TASKS} no longer answers 202"),
]


@pytest.mark.parametrize(
    ("change", "told"), BREAKS, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_break_is_found(change: Callable[[dict[str, Any]], None], told: str) -> None:
    """Each kind of break is told by its place; the other way round it is an addition."""
    old = json.loads(openapi())
    new = copy.deepcopy(old)
    change(new)
    found = breaking_changes(old, new)
    assert any(told in line for line in found), found


@pytest.mark.parametrize("change", [_no_path, _no_method, _no_field, _no_answer])
def test_an_addition_is_no_break(change: Callable[[dict[str, Any]], None]) -> None:
    """Paths, operations, fields and answers may be added."""
    new = json.loads(openapi())
    old = copy.deepcopy(new)
    change(old)
    assert not breaking_changes(old, new)
