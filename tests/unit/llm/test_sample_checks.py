"""The sample author also answers shapes whose checks say more than their JSON Schema does."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, NotRequired
from uuid import UUID

import pytest
from pydantic import (
    AwareDatetime,
    Base64Str,
    BaseModel,
    ConfigDict,
    Field,
    FutureDate,
    FutureDatetime,
    HttpUrl,
    Json,
    NaiveDatetime,
    PastDate,
    PastDatetime,
    RootModel,
    SecretStr,
    StringConstraints,
)
from typing_extensions import TypedDict

from llm.sample.making import answer


class Moments(BaseModel):
    """Dates and times in bounds of which a JSON Schema knows nothing."""

    on: date = Field(ge=date(2030, 1, 1))
    before: date = Field(lt=date(2000, 1, 1))
    after: datetime = Field(gt=datetime(2030, 1, 1))  # noqa: DTZ001 - what is tested
    opens: time = Field(ge=time(10))
    lasts: timedelta = Field(ge=timedelta(days=1, minutes=30), le=timedelta(days=2))
    past: PastDate
    future: FutureDate
    was: PastDatetime
    will_be: FutureDatetime
    aware: AwareDatetime
    naive: NaiveDatetime


class Texts(BaseModel):
    """Patterns of pydantic's own engine, and such as need a certain length."""

    name: str = Field(pattern=r"^\p{Lu}\p{Ll}+$")
    word: str = Field(pattern=r"^[[:alpha:]_]+$", min_length=12)
    either: str = Field(pattern=r"^[\p{L}\d]{3}\z")
    long: str = Field(pattern=r"^[a-z ]+$", min_length=60, max_length=90)
    shouted: Annotated[str, StringConstraints(to_upper=True, max_length=5)]
    secret: SecretStr
    coded: Base64Str
    json_list: Json[list[int]]


class Ahead(BaseModel):
    """Patterns that look around, by Python's engine."""

    model_config = ConfigDict(regex_engine="python-re")

    number: str = Field(pattern=r"^(?=.{13}$)\d{3}-\d{9}$")
    no: str = Field(pattern=r"^(?!bad)[a-z]{3}$")


class Color(StrEnum):
    """Keys of a mapping."""

    RED = "red"
    BLUE = "blue"


class Typed(TypedDict):
    """A dictionary with fields."""

    a: int
    b: NotRequired[str]


class Mappings(BaseModel):
    """Keys that are no texts, of which a JSON Schema knows nothing either."""

    by_number: dict[int, str] = Field(min_length=2)
    by_day: dict[date, int] = Field(min_length=2)
    by_id: dict[UUID, float] = Field(min_length=1)
    by_color: dict[Color, HttpUrl] = Field(min_length=2)
    typed: Typed
    bools: set[bool] = Field(min_length=2)
    anything: list[Any]


class Deep(BaseModel):
    """Holds itself in every way, without any end of its own."""

    children: list[Deep]
    named: dict[str, list[Deep]]
    other: Deep | None = None
    text: str


class Colors(RootModel[list[Color]]):
    """No object at its top."""


@pytest.mark.parametrize("shape", [Moments, Texts, Ahead, Mappings, Deep, Colors])
def test_checks_are_met(shape: type[BaseModel]) -> None:
    """The answer is small and fits, and the same call gives the same one."""
    for seed in map(str, range(8)):
        first = answer(shape, about="Kites", seed=seed)
        assert answer(shape, about="Kites", seed=seed) == first
        assert len(first.model_dump_json()) < 40_000
