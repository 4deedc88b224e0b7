"""A result comes back from its JSON as it was, or the step that made it fails and says where."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
    computed_field,
    field_serializer,
)
from pydantic_core import core_schema

from core.errors import InvalidRequestError
from workflow.authoring.codec import Codec
from workflow.authoring.errors import ResultError, WorkflowError
from workflow.authoring.signature import Reader

BERLIN = ZoneInfo("Europe/Berlin")


class Text(BaseModel):
    """What is written."""

    title: str
    markdown: str = ""


class Longer(Text):
    """One that has more."""

    notes: str = "n"


class Same(BaseModel):
    """What has the fields of a text."""

    title: str
    markdown: str = ""


class Bounded(BaseModel):
    """What has bounds."""

    title: str = Field(min_length=1)
    tags: list[str] = Field(default_factory=list, max_length=2)


class Hidden(BaseModel):
    """What keeps something to itself."""

    title: str
    notes: str = Field("", exclude=True)


class German(BaseModel):
    """What writes dates in a way of its own."""

    day: date

    @field_serializer("day")
    def _said(self, day: date) -> str:
        return day.strftime("%d.%m.%Y")


class Renamed(BaseModel):
    """What has one name for both ways."""

    title: str = Field(alias="Title")


class Counted(BaseModel):
    """What says more than it has."""

    title: str

    @computed_field
    def length(self) -> int:
        """Its length."""
        return len(self.title)


class Color(Enum):
    """What is one of two."""

    RED = "r"
    BLUE = 2


class Plain(Text):
    """A text by another name."""


@dataclass
class Note:
    """What has no model."""

    lines: set[str]
    seen: int = field(default=0, compare=False)


class Point:
    """What nobody can compare."""

    def __init__(self, x: int) -> None:
        self.x = x

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Be a number in JSON."""
        made = core_schema.no_info_plain_validator_function(
            lambda given: given if isinstance(given, cls) else cls(given)
        )
        written = core_schema.plain_serializer_function_ser_schema(lambda point: point.x)
        return {**made, "serialization": written}


Placed = Annotated[Point, WithJsonSchema({"type": "integer"})]


def codec(annotation: Any) -> Codec:
    """Return how results of a type are stored."""
    return Codec(annotation, Reader("flow", "step 'write'"))


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Text, Text(title="a", markdown="b")),
        (list[Text], [Text(title="a")]),
        (Bounded, Bounded(title="a", tags=["x"])),
        (Renamed, Renamed(Title="a")),
        (Counted, Counted(title="a")),
        (Note, Note(lines={"a"}, seen=1)),
        (Text | Bounded, Bounded(title="a", tags=["x"])),
        (Hidden, Hidden(title="a")),
        (Placed, Point(1)),
        (dict[str, Placed], {"a": Point(1)}),
        (Color, Color.BLUE),
        (dict[Color, int], {Color.RED: 1}),
        (dict[int, set[str]], {1: {"a"}}),
        (tuple[int, str], (1, "a")),
        (Sequence[int], (1, 2)),
        (Mapping[str, float], {"a": 1}),
        (dict[str, Any], {"a": (1, 2.0, None)}),
        (dict[str, Any], {"a": {1}, "b": Text(title="a"), "c": date(2026, 1, 2)}),
        (dict, {1: "a", 2: {3: "b"}}),
        (Text, Plain(title="a")),
        (float | Decimal, 1.5),
        (datetime | date, datetime(2026, 1, 1, tzinfo=UTC)),
        (datetime, datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)),
        (time, time(1, 2, tzinfo=UTC)),
        (Literal["a", "b"], "b"),
        (list[int | None], [None, 1]),
        (type(None), None),
    ],
)
def test_what_comes_back(annotation: Any, value: Any) -> None:
    """What is equal when it is read again is stored, though it may not be identical."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        how = codec(annotation)
        stored = how.stored(value, what="The step 'write'")
        assert how.stored(how.read(stored, what="it"), what="The step 'write'") == stored


def changed() -> Text:
    """Return a text that somebody has put a number into."""
    text = Text(title="a")
    text.title = 5  # type: ignore[assignment]
    return text


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [
        (Text, Longer(title="a"), "at value, a value of Longer comes back as one of Text"),
        (list[Text], [Text(title="a"), Longer(title="a")], "at value[1], a value of Longer"),
        (Text | Same, Same(title="a"), "at value, a value of Same comes back as one of Text"),
        (dict[str, Hidden], {"a": Hidden(title="a", notes="n")}, "at value.a.notes, another value"),
        (German, German(day=date(2026, 1, 2)), "it cannot be read again: day is not valid"),
        (dict[tuple[int, int], str], {(1, 2): "a"}, "it cannot be read again: 1,2.[key]"),
        (dict[int | None, int], {None: 1}, "it cannot be read again: None.[key]"),
        (datetime | date, date(2026, 1, 1), "a value of date comes back as one of datetime"),
        (datetime, datetime(1880, 1, 1, tzinfo=BERLIN), "at value, another datetime comes back"),
        (time, time(1, 2, tzinfo=timezone(timedelta(seconds=7))), "another time comes back"),
        (float | Decimal, Decimal("1.5"), "a value of Decimal comes back as one of float"),
        (list[int] | tuple[int, ...], (1, 2), "a value of tuple comes back as one of list"),
        (Text, changed(), "it cannot be read again: title must be text"),
        (
            Annotated[int, AfterValidator(lambda number: number + 1)],
            1,
            "at value, another value comes back",
        ),
        (
            Annotated[list[int], PlainSerializer(lambda items: items[:1])],
            [1, 2],
            "at value, 1 entries come back, and there were 2",
        ),
    ],
)
def test_what_does_not_come_back(annotation: Any, value: Any, said: str) -> None:
    """The step that made it fails, and says where and how the two differ."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        how = codec(annotation)
        with pytest.raises(ResultError) as raised:
            how.stored(value, what="The step 'write'")
    assert raised.value.code == "result_invalid"
    assert raised.value.message.startswith("The step 'write' returned what its JSON does not keep")
    assert said in raised.value.message


class Written(BaseModel):
    """What is written by another name than it is read by."""

    title: str = Field(serialization_alias="Title")


class Read(BaseModel):
    """What is read by another name than it is written by."""

    title: str = Field(validation_alias="Title")


class Gone(BaseModel):
    """What is never written."""

    title: str = Field(exclude=True)


class Secret(BaseModel):
    """What nobody may see."""

    key: SecretStr | None = None


class Either(BaseModel, validate_by_name=True, validate_by_alias=True):
    """What is read by both of its names."""

    title: str = Field(validation_alias="Title")


class Shape(BaseModel):
    """What always has a class in it."""

    shape: type[BaseModel]


class MayBeShape(BaseModel):
    """What may have a class in it."""

    shape: type[BaseModel] | None = None


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (Written, "its field 'title' would be stored as 'Title' and read as 'title'; give it one"),
        (list[Read], "its field 'title' would be stored as 'title' and read as 'Title'; give it"),
        (Gone, "its field 'title' has to be there and is never stored; take out `exclude`"),
        (Secret, "it holds a secret, of which only a mask would be stored"),
        (Iterable[int], "it holds an `Iterable`, which can be read only once"),
        (type[Either], "it holds a class, which is no value; let it hold the class's name"),
        (Shape, "it holds a class, which is no value"),
    ],
)
def test_types_of_which_nothing_comes_back(annotation: Any, said: str) -> None:
    """They are refused at import."""
    with pytest.raises(WorkflowError) as raised:
        codec(annotation)
    assert "which would not come back as it was stored: " in raised.value.message
    assert said in raised.value.message


class Shown(BaseModel):
    """What writes its secret out, as its author wants it."""

    key: SecretStr

    @field_serializer("key")
    def _shown(self, key: SecretStr) -> str:
        return key.get_secret_value()


@pytest.mark.parametrize("value", [Either(title="a"), Shown(key=SecretStr("k")), MayBeShape()])
def test_types_that_mend_it_themselves(value: BaseModel) -> None:
    """Read by name, too, or written in the author's own way, they come back."""
    how = codec(type(value))
    assert how.read(how.stored(value, what="It"), what="it") == value


def test_what_costs_nothing() -> None:
    """What surely comes back is not read again: validated once, by whoever made it."""
    read: list[str] = []

    def seen(text: str, info: ValidationInfo) -> str:
        read.append(text)
        return text

    sure, watched = codec(list[Text]), codec(list[Annotated[str, AfterValidator(seen)]])
    assert not codec(list[Text])._lossless.sure  # a class was derived from it, see above
    assert codec(list[Same])._lossless.sure
    assert sure.stored([Text(title="a")], what="It") == {"value": [{"title": "a", "markdown": ""}]}
    watched.stored(["a"], what="It")
    assert read == ["a", "a"]


async def asked() -> Text:
    """Give a text to who waits for it."""
    return Text(title="a")


@pytest.mark.parametrize("annotation", [Text, Any])
def test_forgotten_await(annotation: Any) -> None:
    """A coroutine is no result, whatever the annotation allows, and it is not left behind."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ResultError, match="returned a coroutine, 'asked', and not what that"):
            codec(annotation).stored(asked(), what="The step 'write'")


@dataclass(slots=True)
class Held:
    """What holds anything."""

    inner: Any


@pytest.mark.parametrize(
    ("annotation", "holding"),
    [
        (list[Text], lambda one, two: [one, two]),
        (list[Any], lambda one, two: [one, two]),
        (dict[str, Text], lambda one, two: {"a": one, "b": two}),
        (tuple[Text, Text], lambda one, two: (one, two)),
        (Held, lambda one, two: Held([one, {"a": two}])),
        (Any, lambda one, two: {"a": Held((one, two))}),
    ],
)
def test_forgotten_await_inside(annotation: Any, holding: Any) -> None:
    """Coroutines inside of a result are told as one that is the result, and none is left behind."""
    one, two = asked(), asked()
    with pytest.raises(ResultError, match="returned a coroutine, 'asked', and not what that"):
        codec(annotation).stored(holding(one, two), what="The step 'write'")
    assert {inspect.getcoroutinestate(each) for each in (one, two)} == {inspect.CORO_CLOSED}


class Reviewed(BaseModel):
    """What a human looks at."""

    title: str
    more: Any = None


class Share(BaseModel):
    """What has a number."""

    share: float


@pytest.mark.parametrize(
    ("model", "value", "said"),
    [
        (Reviewed, {"title": "a\x00"}, "it holds a NUL character at value.title"),
        (Reviewed, {"title": "a\ud800"}, "it holds half a character at value.title"),
        (Reviewed, {"title": "a", "more": [2**70]}, "number of more than 64 bits at value.more[0]"),
        (
            Reviewed,
            {"title": "a", "more": float("inf")},
            "it holds a number at value.more that JSON does not have",
        ),
        (Reviewed, {"title": "a" * 5_000_000}, "it has 5,000,0"),
        (Share, {"share": "Infinity"}, "it holds inf, which is no number in JSON at value.share"),
        (Bounded, {"title": ""}, "value.title must "),
        (German, {"day": "2026-01-02"}, "it cannot be read again: day is not valid"),
    ],
)
def test_edits_that_cannot_be_stored(model: type[BaseModel], value: Any, said: str) -> None:
    """A reviewer's own value is refused as one that does not fit, and the place is named."""
    with pytest.raises(InvalidRequestError) as raised:
        codec(model).edited(value)
    assert raised.value.message.startswith("The value is not valid: ")
    assert said in raised.value.message
