"""Shapes that others bring: what the provider is asked for, and how it is called."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from llm import Call, Text
from llm.abilities import Abilities
from llm.answers import UnusableAnswerError, read_answer
from llm.parts import parts_to_ask
from llm.sample.making import answer
from llm.schema import strict_schema


class Branch(BaseModel):
    """Holds itself."""

    name: str = Field(max_length=20)
    branches: list[Branch]


class Tree(BaseModel):
    """Holds what holds itself."""

    root: Branch


class Cat(BaseModel):
    """One of two."""

    kind: Literal["cat"]


class Dog(BaseModel):
    """The other one."""

    kind: Literal["dog"]


class Pet(BaseModel):
    """Either of two, told apart by a word."""

    animal: Annotated[Cat | Dog, Field(discriminator="kind")]


class Colour(Enum):
    """An enumeration as a class."""

    RED = "red"
    BLUE = "blue"


class Rated(BaseModel):
    """Has enumerations of what is no text."""

    stars: Literal[1, 2, 3, 4, 5]
    trend: Literal[-1, 0, 1]
    colour: Colour


@pytest.mark.parametrize(
    ("field", "said", "meant"),
    [
        *(("stars", "4", 4), ("stars", "4/5", 4), ("stars", "4 of 5", 4), ("stars", "4.5", None)),
        *(
            ("stars", "3-4", None),
            ("stars", "45", None),
            ("stars", "four", None),
            ("stars", 6, None),
        ),
        *(("trend", "-1", -1), ("trend", "1", 1), ("trend", "up", None)),
        *(("colour", "Red", Colour.RED), ("colour", "BLUE", Colour.BLUE), ("colour", "x", None)),
    ],
)
def test_enumerations_of_numbers_and_of_classes_are_read(field: str, said: Any, meant: Any) -> None:
    """A number in a text is meant where it stands alone; what is not known is asked for."""
    text = json.dumps({"stars": 1, "trend": 0, "colour": "red"} | {field: said})
    if meant is None:
        with pytest.raises(UnusableAnswerError, match=field):
            read_answer(text, Rated)
    else:
        assert getattr(read_answer(text, Rated), field) == meant


class Named(BaseModel):
    """Has names in JSON that its fields do not have."""

    number: int = Field(alias="no-1")
    form: str = Field(alias="schema")
    lines: list[Named] = Field(default=[], alias="the-lines")


def test_what_is_wrong_in_fields_with_an_alias_is_asked_for_by_it() -> None:
    """Of the answer itself, and of the parts of a list."""
    good = {"no-1": 1, "schema": "a", "the-lines": []}
    with pytest.raises(UnusableAnswerError) as caught:
        read_answer(json.dumps({"no-1": 1, "the-lines": []}), Named)
    assert caught.value.misfit is not None
    parts = parts_to_ask(caught.value.misfit)
    assert parts is not None
    assert list(strict_schema(parts.shape)["properties"]) == ["schema"]
    assert parts.put_in('{"schema": "b"}', Named, notes=[]).form == "b"

    bad = good | {"the-lines": [good, {"no-1": "x", "schema": "c", "the-lines": []}]}
    with pytest.raises(UnusableAnswerError) as caught:
        read_answer(json.dumps(bad), Named)
    assert caught.value.misfit is not None
    anew = parts_to_ask(caught.value.misfit)
    said = json.dumps(bad | {"the-lines": [good, good]})
    mended = read_answer(said, Named) if anew is None else anew.put_in(said, Named, notes=[])
    assert [line.form for line in mended.lines] == ["a", "a"]


def test_what_holds_itself_is_the_only_reference() -> None:
    """The schema is valid, ends, and takes what the shape takes."""
    for output in (Branch, Tree):
        schema = strict_schema(output)
        Draft202012Validator.check_schema(schema)
        made = answer(output, about="trees", seed="s")
        Draft202012Validator(schema).validate(made.model_dump(mode="json"))
        assert schema["type"] == "object"
        assert list(schema["$defs"]) == ["Branch"]
        assert schema["$defs"]["Branch"]["required"] == ["name", "branches"]
        assert read_answer(made.model_dump_json(), output) == made


def test_a_choice_is_said_in_the_words_that_providers_take() -> None:
    """Strict mode knows `anyOf`, but neither `oneOf` nor a discriminator."""
    shown = json.dumps(strict_schema(Pet))

    assert "anyOf" in shown
    assert "oneOf" not in shown
    assert "discriminator" not in shown
    assert isinstance(read_answer('{"animal": {"kind": "dog"}}', Pet).animal, Dog)


def test_any_label_names_a_schema() -> None:
    """Providers refuse other names than short plain ones."""
    call = Call(prompt=Text("chapter: \u00fcber/alles " + "x" * 90, "t"), output=Pet)
    request = Abilities().request(call, call.prompt.messages(), model="m", stream=False)

    name = request["response_format"]["json_schema"]["name"]
    assert name.startswith("chapter___ber_alles_x")
    assert len(name) == 64


def test_a_prompt_is_a_text_or_messages() -> None:
    """A system message, where there is one, comes first."""
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]

    assert Text("k", "ask").messages() == [{"role": "user", "content": "ask"}]
    assert Text("k", talk, system="be kind").messages() == [
        {"role": "system", "content": "be kind"},
        *talk,
    ]
