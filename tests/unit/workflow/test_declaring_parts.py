"""What is wrong with a step that makes parts is told when it is imported, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from roadmap_worker import Context, Parts, Workflow, WorkflowError
from tests.unit.workflow.flow import Ask, Item, Plan, planned, refused
from workflow.authoring import definition

if TYPE_CHECKING:
    from collections.abc import Callable


async def _later() -> Any:
    return ""


def _part_without_parts(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context, part: Item) -> str:
        return ""


def _later_list(flow: Workflow[Ask]) -> None:
    @flow.parts(of=lambda index: index.items, key="slug")
    async def write(ctx: Context, part: Item) -> str:
        return ""


def _no_such_field(flow: Workflow[Ask]) -> None:
    @flow.parts(of=lambda plan_it: plan_it.items, key="slug", made_from=("slug", "text"))
    async def write(ctx: Context, part: Item) -> str:
        return ""


def _no_such_key(flow: Workflow[Ask]) -> None:
    @flow.parts(of=lambda plan_it: plan_it.items, key="name")
    async def write(ctx: Context, part: Item) -> str:
        return ""


def _no_key(flow: Workflow[Ask]) -> None:
    @flow.parts(of=lambda plan_it: plan_it.items)
    async def write(ctx: Context, part: Item) -> str:
        return ""


def _no_part(flow: Workflow[Ask]) -> None:
    @flow.parts(of=lambda plan_it: plan_it.items, key="slug")
    async def write(ctx: Context) -> str:
        return ""


def _other_kinds(flow: Workflow[Ask]) -> None:
    @flow.parts(of=lambda plan_it: plan_it.items, key="slug", kinds=("text", "image"))
    async def write(ctx: Context, part: Item, kind: Literal["text", "picture"]) -> str:
        return ""


def _kinds_not_taken(flow: Workflow[Ask]) -> None:
    @flow.parts(of=lambda plan_it: plan_it.items, key="slug", kinds=("text", "image"))
    async def write(ctx: Context, part: Item) -> str:
        return ""


def _parts_as_result(flow: Workflow[Ask]) -> None:
    @flow.parts(of=lambda plan_it: plan_it.items, key="slug")
    async def write(ctx: Context, part: Item) -> str:
        return ""

    @flow.step
    async def read(ctx: Context, write: str) -> str:
        return ""


def _other_parts(flow: Workflow[Ask]) -> None:
    @flow.parts(of=lambda plan_it: plan_it.items, key="slug")
    async def write(ctx: Context, part: Item) -> str:
        return ""

    @flow.step
    async def read(ctx: Context, write: Parts[Plan]) -> str:
        return ""


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (_part_without_parts, "step 'write': it takes `part`, and makes no parts"),
        (_later_list, "step 'write': `of` takes 'index', which is no step declared before it"),
        (_no_such_field, "`made_from` names the field 'text', which Item does not have"),
        (_no_such_key, "`key` names the field 'name', which Item does not have"),
        (_no_key, "say with `key` which field of Item names a part"),
        (_no_part, "step 'write': it makes parts, so it must take `part`"),
        (_other_kinds, "and its kinds are text, image"),
        (_kinds_not_taken, "it makes several kinds, so it must take `kind`"),
        (_parts_as_result, "'write' makes parts; annotate it `Parts[str]`"),
        (_other_parts, "the parts of 'write' are str"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong_with_parts(declare: Callable[[Workflow[Ask]], None], said: str) -> None:
    """The message names the workflow, the step, and the reason."""
    refused(declare, said)


@pytest.mark.parametrize(
    ("argument", "given", "said"),
    [
        ("key", 7, "a field's name or a function, not 7"),
        ("title", 7, "a field's name or a function, not 7"),
        ("kinds", "text", "a list of texts, not 'text'; write ['text']"),
        ("made_from", "text", "a list of texts, not 'text'; write ['text']"),
        ("kinds", 7, "a list of texts, not 7"),
        ("version", "2", "a whole number, 1 or more, not '2'"),
        ("concurrency", 1.5, "a whole number, 1 or more, not 1.5"),
        ("retries", "no", "a whole number, 0 or more, not 'no'"),
        ("timeout_s", "9", "a number, more than 0, not '9'"),
    ],
)
def test_an_argument_of_parts_of_a_wrong_type(argument: str, given: Any, said: str) -> None:
    """It is named with the step, what it got and what it may be."""
    with pytest.raises(WorkflowError) as raised:

        @Workflow("flow", request=Ask).parts(**{"of": lambda: ["a"], argument: given})
        async def write(ctx: Context, part: str, kind: str = "") -> str:
            return ""

    assert f"step 'write': `{argument}` must be {said}" in raised.value.message


@pytest.mark.parametrize("kind", ["a\x00", "a\ud800", ""])
def test_a_kind_that_cannot_be_stored(kind: str) -> None:
    """It is refused before any part would fail by it."""
    with pytest.raises(WorkflowError, match="its `kinds` must be different texts"):

        @Workflow("flow", request=Ask).parts(of=lambda: ["a"], kinds=[kind])
        async def write(ctx: Context, part: str, kind: str) -> str:
            return ""


@pytest.mark.parametrize("argument", ["of", "key", "title"])
def test_a_function_that_says_something_is_no_coroutine(argument: str) -> None:
    """Nobody would wait for what it says."""
    given: dict[str, Any] = {"of": lambda: ["a"], argument: _later}
    with pytest.raises(WorkflowError, match=f"`{argument}`.* must not be `async`"):

        @Workflow("flow", request=Ask).parts(**given)
        async def write(ctx: Context, part: str) -> str:
            return ""


class Cat(BaseModel):
    """One of two."""

    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    """The other one."""

    kind: Literal["dog"] = "dog"


def test_marks_beside_types() -> None:
    """A type may be written out twice, with what `Annotated` says beside it, wherever it stands."""
    flow = planned()

    @flow.step
    async def one(ctx: Context) -> Annotated[Cat | Dog, Field(discriminator="kind")]:
        return Cat()

    @flow.parts(of=lambda one: [one.kind])
    async def two(
        ctx: Context, part: str, one: Annotated[Cat | Dog, Field(discriminator="kind")]
    ) -> list[Annotated[int, Field(ge=0)]]:
        return [1]

    @flow.step
    async def three(
        ctx: Context, two: Parts[list[Annotated[int, Field(ge=0)]]], one: Cat | Dog
    ) -> dict[str, Annotated[str, Field(min_length=1)] | None]:
        return {}

    @flow.step
    async def four(
        ctx: Context, three: dict[str, Annotated[str, Field(min_length=1)] | None]
    ) -> None:
        return None

    assert [step.name for step in definition(flow).describe().steps][-1] == "four"
    with pytest.raises(WorkflowError, match="annotated list"):

        @flow.step
        async def five(ctx: Context, three: list[Annotated[str, Field(min_length=1)]]) -> None:
            return None
