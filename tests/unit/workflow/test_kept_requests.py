"""What is stored of a request is read as the same request, or it is refused when it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr, computed_field, field_serializer

from core.digest import digest
from core.errors import InvalidRequestError
from core.ids import new_id
from roadmap_worker import Context, Workflow, WorkflowError
from roadmaps.requests import TaskRequest
from roadmaps.roadmap import ROADMAP
from workflow.authoring import definition
from workflow.new_tasks import NewTask


class Plain(BaseModel):
    """What most ask for."""

    topic: str
    day: date | None = None
    most: float = Field(1.0, gt=0)


class Counted(Plain):
    """What says more than it has, which was always stored."""

    @computed_field
    def length(self) -> int:
        """Its length."""
        return len(self.topic)


class More(Plain):
    """What has more than the workflow asks for."""

    notes: str = "n"


class Strict(BaseModel, extra="forbid"):
    """What allows nothing else."""

    count: int = Field(0, alias="Count")

    @computed_field
    def twice(self) -> int:
        """Its double."""
        return self.count * 2


class Needed(BaseModel):
    """What has to be named by its alias."""

    count: int = Field(alias="Count")


class ByName(BaseModel, validate_by_name=True, validate_by_alias=True):
    """What may be named either way, and was always stored by its name."""

    count: int = Field(0, alias="Count")


class OneWay(BaseModel):
    """What is read by another name than it is written by."""

    count: int = Field(0, validation_alias="Count")


class German(BaseModel):
    """What writes dates in a way of its own."""

    day: date = date(2020, 1, 1)

    @field_serializer("day")
    def _said(self, day: date) -> str:
        return day.strftime("%Y-%d-%m")


class Hidden(BaseModel):
    """What keeps something to itself."""

    inner: list[Plain] = []
    notes: str = Field("", exclude=True)


def new(request: BaseModel, model: type[BaseModel] | None = None) -> NewTask:
    """Return the task that a request asks for."""
    flow: Workflow[Any] = Workflow("flow", request=model or type(request))

    @flow.step
    def write(ctx: Context) -> str:
        return ""

    return NewTask.of(definition(flow), request, new_id(), "alice")


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (Plain(topic="a"), {"topic": "a", "day": None, "most": 1}),
        (Counted(topic="a"), {"topic": "a", "day": None, "most": 1, "length": 1}),
        (ByName(Count=5), {"count": 5}),
        (OneWay(), {"count": 0}),
        (German(), {"day": "2020-01-01"}),
    ],
)
def test_what_is_stored_as_ever(request_: BaseModel, body: dict[str, Any]) -> None:
    """What could always be read again is stored by its fields' names, with the digest of before."""
    made = new(request_)
    assert made.body == body == request_.model_dump(mode="json")
    assert made.digest == digest(request_.model_dump(mode="json"))
    assert type(request_).model_validate(made.body) == request_


@pytest.mark.parametrize("request_", [Strict(Count=5), Needed(Count=5)])
def test_what_is_stored_by_its_aliases(request_: BaseModel) -> None:
    """What can be read by its aliases alone is stored by them."""
    made = new(request_)
    assert made.body == {"Count": 5}
    assert type(request_).model_validate(made.body) == request_


@pytest.mark.parametrize(
    ("request_", "model", "said", "path"),
    [
        (OneWay(Count=5), None, " at count: another value comes back", "request.count"),
        (German(day=date(2020, 2, 3)), None, " at day: another date comes", "request.day"),
        (German(day=date(2020, 2, 13)), None, " at day: what is stored of it", "request.day"),
        (Hidden(notes="n"), None, " at notes: another value comes back", "request.notes"),
        (More(topic="a"), Plain, ": a value of More comes back as one of", "request"),
    ],
)
def test_what_would_be_another_request(
    request_: BaseModel, model: type[BaseModel] | None, said: str, path: str
) -> None:
    """It is refused, the field is named, and what to do."""
    with pytest.raises(InvalidRequestError) as raised:
        new(request_, model)
    assert raised.value.message.startswith(f"The request cannot be stored as it is{said}")
    assert "aliases for both ways" in raised.value.message
    assert [field for field, *_ in raised.value.details["fields"]] == [path]


class Secret(BaseModel):
    """What nobody may see."""

    key: SecretStr | None = None


class Unreadable(BaseModel):
    """What is never read by what it is written by."""

    count: int = Field(validation_alias="Count")


class Called(BaseModel):
    """What no form can ask for."""

    check: Callable[[], int]


class Unwritten(BaseModel):
    """What names a type that is nowhere."""

    later: "Nowhere"  # type: ignore[name-defined] # noqa: F821


class Telling(BaseModel, json_schema_extra=lambda _: 1 / 0):
    """What fails when it is told of."""


class Bytes(BaseModel):
    """What may hold what is no text."""

    data: bytes


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Secret, "Secret would not come back as it was stored: it holds a secret"),
        (Called, "Called cannot be told as a JSON Schema: PydanticInvalidForJsonSchema: Cannot"),
        (Unwritten, "Unwritten cannot be told as a JSON Schema: PydanticUserError: `Unwritten`"),
        (Telling, "Telling cannot be told as a JSON Schema: ZeroDivisionError: "),
        (Unreadable, "its field 'count' would be stored as 'count' and read as 'Count'"),
    ],
)
def test_models_of_which_nothing_comes_back(model: type[BaseModel], said: str) -> None:
    """They are refused when the workflow is loaded."""
    with pytest.raises(WorkflowError) as raised:
        new(Plain(topic="a"), model)
    assert raised.value.message.startswith("workflow 'flow', its request: ")
    assert said in raised.value.message


def test_what_is_no_json() -> None:
    """A request that cannot be written at all is refused, too."""
    with pytest.raises(InvalidRequestError, match="The request cannot be stored as JSON: "):
        new(Bytes(data=b"\xff"))


def test_roadmaps() -> None:
    """Requests of roadmaps keep what they store, and their digest."""
    request = TaskRequest(goal="Learn Rust")
    made = NewTask.of(ROADMAP, request, new_id(), "alice")
    assert made.body == request.model_dump(mode="json")


def test_the_base_of_all_models() -> None:
    """`BaseModel` itself has no fields to ask for; that is told where it is named."""
    with pytest.raises(WorkflowError, match="`request` must be a model of your own"):
        Workflow("flow", request=BaseModel)
