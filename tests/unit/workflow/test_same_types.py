# ruff: noqa: UP006, UP007, UP035, UP045 - the old ways of writing them are what is tested
"""One type may be written in many ways, and only what it stands for counts."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Dict, List, Literal, NewType, Optional, Tuple, Union

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType

from roadmap_worker import Context, Workflow, WorkflowError


class Base(BaseModel):
    """What others are of."""


class Plot(Base):
    """A result."""


class Cast(BaseModel):
    """Another one."""


Url = NewType("Url", str)
Plots = TypeAliasType("Plots", list[Plot])
MARKED = Annotated[Plot, {"not": "hashable"}]


def declared(gives: Any, wanted: Any, request: Any = Cast) -> None:
    """Declare a step that gives one type, and one that takes it as another."""
    flow = Workflow("flow", version=1, request=Cast, title="A flow")

    async def one(ctx: Context) -> None: ...

    async def two(ctx: Context, request: Any, one: Any) -> None: ...

    one.__annotations__["return"] = gives
    two.__annotations__.update(one=wanted, request=request)
    flow.step(one)
    flow.step(two)


@pytest.mark.parametrize(
    ("gives", "wanted"),
    [
        (list[Plot], List[Plot]),
        (list[Plot], list),
        (list[Plot], Sequence[Base]),
        (list[Plot], typing.Iterable[Plot]),
        (list[Plot], Iterable[Plot]),
        (list[Plot], list[Any]),
        (list[MARKED], List[Base]),
        (dict[str, list[Plot]], Dict[str, List[Plot]]),
        (dict[str, Plot], Mapping[str, Base]),
        (tuple[Plot, ...], Tuple[Plot, ...]),
        (list[Plot | None], List[Optional[Plot]]),
        (list[Plot | Cast], list[Union[Cast, Plot]]),
        (Plot, Annotated[Plot, Field(description="It.")]),
        (Plot, MARKED),
        (Plot, Plot | Cast),
        (Plot, object),
        (Url, str),
        (str, Url),
        (list[Url], list[str]),
        (Plots, list[Plot]),
        (list[Plot], Plots),
        (Literal["a", "b"], str),
        (Literal["a"], Literal["b", "a"]),
        (int, float),
        (Any, Plot),
    ],
)
def test_a_type_that_is_written_otherwise(gives: Any, wanted: Any) -> None:
    """What type checkers take is taken at import."""
    declared(gives, wanted)


@pytest.mark.parametrize("request_", [Annotated[Cast, "it"], Cast | None, BaseModel, Any])
def test_a_request_that_is_written_otherwise(request_: Any) -> None:
    """The same holds for the request."""
    declared(Plot, Plot, request_)


@pytest.mark.parametrize(
    ("gives", "wanted"),
    [
        (list[Plot], List[Cast]),
        (Plot | Cast, Plot),
        (Base, Plot),
        (Plots, list[Cast]),
        (Url, int),
        (list[Literal["a"]], list[Literal["b"]]),
        (dict[str, Plot], Sequence[Plot]),
    ],
)
def test_another_type(gives: Any, wanted: Any) -> None:
    """What is another type for certain is still refused."""
    with pytest.raises(WorkflowError, match="the parameter 'one' is annotated"):
        declared(gives, wanted)
