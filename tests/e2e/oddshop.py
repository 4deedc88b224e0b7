"""A workflow whose request has every shape that is hard to show in a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FLOWS: Final = '''\
"""Odd shapes, given back as they came."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Optional

from pydantic import BaseModel, Field

from roadmap_worker import Workflow


class Address(BaseModel):
    street: str = Field(min_length=1)


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    size: float = Field(gt=0)


class Square(BaseModel):
    kind: Literal["square"] = "square"
    size: float = Field(gt=0)


class Node(BaseModel):
    name: str
    next: Optional[Node] = None
    children: list[Node] = []


class Odd(BaseModel, extra="forbid"):
    topic: str
    home: Address | None = None
    work: Address | None = None
    root: Node | None = None
    shape: Annotated[Circle | Square, Field(discriminator="kind")] = Circle(size=1)
    other: Circle | Square | None = None
    sure: bool | None = None
    only: Literal["x"] | None = None
    mood: Literal["dry", None] = None
    day: dt.date | None = None
    at: dt.time = dt.time(9, 30, 0, 123456)
    when: dt.datetime = Field(default_factory=lambda: dt.datetime(2026, 1, 2))
    tags: list[str] = Field(default_factory=lambda: ["made"])
    on: bool = Field(default_factory=lambda: True)
    names: list[str] | None = None
    either: list[int] | list[str] = ["x", "y"]
    counts: list[int] | dict[str, int] = {"a": 9007199254740993}
    many: list[Any] = [None, 1, "x"]
    lines: str = "one\\r\\ntwo"
    empty: str | None = ""
    short: str = Field(default="", max_length=5)
    tiny: float = 0.00042
    year: int = 2026
    nodes: list[Node] = [Node(name="one"), Node(name="two", children=[Node(name="inner")])]
    long: int = 1234567890123456789
    marks: list[Annotated[int, Field(le=9)]] = [1]


odd = Workflow("odd", version=1, request=Odd, title=lambda r: r.topic)


@odd.step
def copied(ctx, request: Odd, feedback: str | None = None) -> Odd:
    """Give it back."""
    return request


odd.review(of=copied)


@odd.parts(of=lambda copied: copied.tags)
def piece(ctx, part: str) -> str:
    """Write what has one line that is longer than any screen."""
    return f"# {part}\\n\\n```py\\n{'x' * 500}\\n```\\n\\n| {'a | ' * 30}\\n|{'---|' * 30}\\n"


@odd.step
def result(ctx, copied: Odd) -> Odd:
    """Give back what was reviewed."""
    return copied


maybe = Workflow("maybe", version=1, request=Address, title=lambda r: r.street)


@maybe.step
def number(ctx, request: Address, feedback: str | None = None) -> int | None:
    """Give what may be nothing."""
    return 5


maybe.review(of=number)
'''


def added_to(folder: Path) -> None:
    """Put the workflow into the stranger's package in a folder."""
    (folder / "bookshop" / "odd.py").write_text(FLOWS)
    with (folder / "bookshop-1.0.dist-info" / "entry_points.txt").open("a") as told:
        told.write("odd = bookshop.odd:odd\nmaybe = bookshop.odd:maybe\n")
