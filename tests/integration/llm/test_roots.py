"""Shapes that are no object at their top: a list, a choice, a mapping, a text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, RootModel

from llm import Call, Text
from tests.model_rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm.openai_compatible import OpenAIAuthor
    from tests.model_server import ModelServer


class Cat(BaseModel):
    """One of two."""

    kind: Literal["cat"]


class Dog(BaseModel):
    """The other one."""

    kind: Literal["dog"]


class Names(RootModel[list[str]]):
    """A list."""


class Pet(RootModel[Annotated[Cat | Dog, Field(discriminator="kind")]]):
    """A choice."""


class Ages(RootModel[dict[str, int]]):
    """A mapping."""


class Word(RootModel[str]):
    """A text."""


SHAPES: list[tuple[type[RootModel[Any]], Any]] = [
    (Names, ["a", "b"]),
    (Pet, {"kind": "dog"}),
    (Ages, {"Bo": 3}),
    (Word, "yes"),
]


@pytest.mark.parametrize(("shape", "value"), SHAPES)
async def test_a_shape_without_fields_is_asked_for_in_an_object(
    server: ModelServer,
    author_for: Callable[..., OpenAIAuthor],
    shape: type[RootModel[Any]],
    value: Any,
) -> None:
    """Servers refuse a schema of anything else; what it holds is the answer."""
    server.rules.append(Rule("says", body=json.dumps({"value": value})))
    call = Call(prompt=Text(kind="odd", text="Say it."), output=shape)
    author = author_for()
    assert (await author.complete(call)).value == shape.model_validate(value)
    told = server.requests[-1]["response_format"]["json_schema"]["schema"]
    assert (told["type"], list(told["properties"])) == ("object", ["value"])
    streamed = await author.stream(call, field="root", on_text=lambda _at, _text: None)
    assert streamed.value == shape.model_validate(value)
