"""The sample author answers any shape: in bounds, alike for the same call, labelled a sample."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import (
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    field_validator,
    model_validator,
)

from core.provider_errors import ContentInvalidError, ContentRefusedError
from core.settings import Settings
from llm import Author, Call, Output, Text, create_author
from llm.sample.making import answer


class Chapter(BaseModel):
    """An ordinary part of a book."""

    slug: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,20}$")]
    title: str = Field(max_length=60)
    summary: str
    pages: int = Field(ge=3, le=40)


class Book(Output):
    """An ordinary book."""

    title: str
    chapters: list[Chapter] = Field(min_length=3, max_length=5)
    tags: set[str]


class Essay(BaseModel):
    """A text."""

    title: str
    markdown: str = Field(min_length=50, max_length=5000)


class Tone(Enum):
    """Words that may be chosen."""

    DRY = "dry"
    WARM = "warm"


class Stars(IntEnum):
    """Numbers that may be chosen."""

    ONE = 1
    FIVE = 5


class Odds(BaseModel):
    """One field of each type."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tone: Tone
    stars: Stars
    kind: Literal["a", "b"]
    only: Literal["this"]
    share: float = Field(gt=0, lt=1)
    tiny: float = Field(gt=0.001, lt=0.002)
    below: float = Field(lt=-5)
    above: int = Field(gt=100)
    even: int = Field(multiple_of=2, ge=3, le=9)
    steps: float = Field(multiple_of=0.25, ge=1, le=2)
    price: Decimal = Field(max_digits=6, decimal_places=2, ge=0)
    on: date
    at: datetime
    daily: time
    lasts: timedelta
    who: UUID
    where: AnyUrl
    host: IPv4Address
    code: str = Field(min_length=2, max_length=2)
    long: str = Field(min_length=400, max_length=410)
    country: str = Field(pattern=r"^[A-Z]{2}$")
    number: str = Field(pattern=r"^(?:\+49|0)[1-9]\d{3,5}(?:-\d+)?$")
    either: int | str
    maybe: str | None
    pair: tuple[int, str]
    names: frozenset[str] = Field(min_length=3)
    scores: dict[str, float] = Field(min_length=2)
    by_tone: dict[Tone, int]
    anything: Any
    raw: dict[str, Any]
    yes: bool
    none: None


class Node(BaseModel):
    """Holds itself."""

    title: str
    children: list[Node] = Field(max_length=3)
    other: Node | None


class Sum(BaseModel):
    """Holds others that hold it."""

    type: Literal["sum"]
    left: Term
    right: Term


class Leaf(BaseModel):
    """Ends what holds itself."""

    type: Literal["leaf"]
    value: int


Term = Annotated[Sum | Leaf, Field(discriminator="type")]


class Formula(BaseModel):
    """A union whose first choice never ends by itself."""

    term: Term


class Forest(BaseModel):
    """Must have many of what holds itself."""

    trees: list[Node] = Field(min_length=6)
    grid: list[list[list[list[list[list[int]]]]]] = Field(min_length=1)


SHAPES: list[type[BaseModel]] = [Book, Essay, Odds, Node, Formula, Forest, Chapter]


@pytest.mark.parametrize("output", SHAPES)
def test_every_shape_is_answered_alike_each_time(output: type[BaseModel]) -> None:
    """The same call gives the same answer; another one gives another."""
    first = answer(output, about="Kites", seed="one")

    assert answer(output, about="Kites", seed="one") == first
    assert len({answer(output, about="Kites", seed=str(n)).model_dump_json() for n in range(9)}) > 1


def test_titles_say_what_it_is_about_and_that_they_are_samples() -> None:
    """Parts are told apart by title and key, and no text passes for a real one."""
    book = answer(Book, about="Flying kites", seed="s")

    assert book.title == "Sample: Flying kites"
    assert [chapter.title for chapter in book.chapters][:2] == [
        "Sample chapter 1",
        "Sample chapter 2",
    ]
    assert len({chapter.slug for chapter in book.chapters}) == len(book.chapters) >= 3
    assert all("sample" in chapter.summary for chapter in book.chapters)
    assert book.chapters[0].slug == "sample-chapter-1"
    assert book.tags >= {"Sample tag 1", "Sample tag 2"}


def test_markdown_looks_like_markdown() -> None:
    """Whatever renders it finds headings, a list and a block of code."""
    essay = answer(Essay, about="Knots", seed="s")

    assert essay.markdown.startswith("# Sample: Knots\n")
    assert "\n- " in essay.markdown
    assert "```" in essay.markdown


def test_what_holds_itself_ends() -> None:
    """The answer stays small, however much the shape would allow."""
    for seed in range(30):
        assert len(answer(Node, about="n", seed=str(seed)).model_dump_json()) < 100_000
        assert len(answer(Formula, about="n", seed=str(seed)).model_dump_json()) < 20_000


class Sorted(BaseModel):
    """Wants more than its schema says, but not much."""

    low: int = Field(ge=1, le=10)
    high: int = Field(ge=1, le=10)

    @model_validator(mode="after")
    def _in_order(self) -> Sorted:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Secret(BaseModel):
    """Wants what nobody can guess."""

    word: str

    @field_validator("word")
    @classmethod
    def _known(cls, word: str) -> str:
        if word != "open sesame":
            raise ValueError("is not the word")
        return word


def test_checks_beyond_the_schema_are_met_where_chance_finds_them() -> None:
    """Several answers are tried before one is given up."""
    for seed in range(20):
        assert answer(Sorted, about="s", seed=str(seed)).low <= 10


def test_a_shape_that_cannot_be_guessed_says_so() -> None:
    """The message names the shape, the field and what is wrong."""
    with pytest.raises(ContentInvalidError, match=r"Secret \(word: .*is not the word"):
        answer(Secret, about="s", seed="s")


FIELDS = st.sampled_from(
    [
        str,
        int,
        float,
        bool,
        date,
        Tone,
        Literal["x", "y"],
        str | None,
        int | float,
        Annotated[int, Field(ge=-3, le=-1)],
        Annotated[float, Field(gt=2, le=2.5)],
        Annotated[str, Field(min_length=3, max_length=9)],
        Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{2,4}$")],
        Chapter,
        Node,
    ]
)
NAMES = ("title", "slug", "body", "url", "language", "count", "items", "chapter_id", "why")


def _wrapped(shape: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(
        [
            shape,
            list[shape],
            Annotated[list[shape], Field(min_length=1, max_length=2)],
            dict[str, shape],
            shape | None,
        ]
    )


@given(data=st.data(), names=st.sets(st.sampled_from(NAMES), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_mixture_of_fields_is_answered(data: st.DataObject, names: set[str]) -> None:
    """Whatever a shape is put together from, the answer fits it at the first call."""
    fields: dict[str, Any] = {
        name: (data.draw(FIELDS.flatmap(_wrapped)), ...) for name in sorted(names)
    }
    output = create_model("Mixture", **fields)

    assert isinstance(answer(output, about="a", seed="s"), output)


@pytest.fixture
def author() -> Author:
    """The sample author, quick, and told to refuse storms."""
    return create_author(Settings(sample_latency_s=0, sample_fail="Storm"))


async def test_a_prompt_without_samples_is_answered_and_counted(author: Author) -> None:
    """The text streams in pieces that make the whole, and the tokens are estimated."""
    pieces: list[str] = []
    call = Call(prompt=Text("essay", "Write about kites", title="Kites"), output=Essay)
    completion = await author.stream(
        call, field="markdown", on_text=lambda _offset, text: pieces.append(text)
    )

    assert "".join(pieces) == completion.value.markdown
    assert len(pieces) == 5
    assert completion.usage.calls == 1
    assert completion.usage.tokens == (
        completion.usage.prompt_tokens + completion.usage.completion_tokens
    )
    assert (await author.complete(call)).value == completion.value


async def test_titles_can_be_told_to_fail(author: Author) -> None:
    """SAMPLE_FAIL holds for the parts of any workflow."""
    with pytest.raises(ContentRefusedError, match="Storm"):
        await author.complete(Call(prompt=Text("essay", "t", title="Storms"), output=Essay))


def test_two_processes_make_up_the_same() -> None:
    """Nothing depends on the hash seed, the clock or a global generator."""
    program = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from test_sample_answers import *\n"
        "for shape in (Essay, Node, Formula):\n"
        "    print(answer(shape, about='Kites', seed='s').model_dump_json())\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program, os.path.dirname(__file__)],  # noqa: PTH120 - a string is needed
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(runs) == 1
