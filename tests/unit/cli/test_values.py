"""Values of any shape as `show` and `review` print them."""

from __future__ import annotations

import io
import sys
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from cli.console import emit, make_console, prepare
from cli.schema_order import in_order
from cli.values import print_value


class Circle(BaseModel):
    """One of two shapes."""

    kind: Literal["circle"] = "circle"
    size: int = 1
    at: int = 0


class Square(BaseModel):
    """The other one, with its fields in another order."""

    kind: Literal["square"] = "square"
    at: int = 0
    size: int = 1


class Drawing(BaseModel):
    """Shapes in every kind of place."""

    title: str = "T"
    first: Circle | None = None
    all: list[Annotated[Circle | Square, Field(discriminator="kind")]] = [Circle(), Square()]
    named: dict[str, Square] = {"NASA": Square()}
    pair: tuple[Circle, Square] = (Circle(), Square())
    inner: list[Drawing] = []


def stored(value: Any) -> Any:
    """Return a value with its fields as a store has them that keeps no order."""
    if isinstance(value, dict):
        return {name: stored(value[name]) for name in sorted(value)}
    return [stored(each) for each in value] if isinstance(value, list) else value


def test_fields_stand_as_their_author_wrote_them() -> None:
    """Whatever the place and the shape; what a schema does not know stands last."""
    drawing = Drawing(first=Circle(), inner=[Drawing()]).model_dump(mode="json")
    given = stored(drawing) | {"a": 1}
    found = in_order(given, Drawing.model_json_schema())
    assert repr(found) == repr(drawing | {"a": 1})
    assert repr(in_order(given, None)) == repr(given)


@pytest.mark.parametrize("schema", [{"$ref": "#/$defs/x"}, {"anyOf": 3}, {"items": True}, {}])
def test_an_odd_schema_orders_nothing(schema: dict[str, Any]) -> None:
    """It is no reason not to show a value."""
    for value in ({"b": 1, "a": [2]}, [{"b": 1}], 5):
        assert in_order(value, schema) == value


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"NASA": 1, "mcDonald_x": []}, ["NASA: 1", "McDonald x: nothing"]),
        ([None, 0, "", [], {}, {"a": None}], ["• nothing", "• 0", *["• nothing"] * 4]),
        (None, ["nothing"]),
        ("", ["nothing"]),
        (False, ["no"]),
    ],
)
def test_nothing_is_said_to_be_nothing(
    capsys: pytest.CaptureFixture[str], value: object, lines: list[str]
) -> None:
    """An entry of a list is never left out, and names of people and firms keep their letters."""
    print_value(make_console(), value)
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", '* "Go" ... -> ??'), ("latin-1", '* "Go" ... -> é?'), ("utf-8", "• “Go” … → é好")],
)
def test_signs_that_a_locale_lacks_become_their_like(
    monkeypatch: pytest.MonkeyPatch, encoding: str, shown: str
) -> None:
    """A point of a list is no question mark, which marks what waits; letters without a like are."""
    written = io.BytesIO()
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, io.TextIOWrapper(written, encoding=encoding))
    monkeypatch.setattr(sys, "argv", ["roadmap"])
    prepare()
    emit("• “Go” … → é好")
    assert written.getvalue().decode(encoding) == shown + "\n"
