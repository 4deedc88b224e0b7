"""What `roadmap workflows check` says of requests that are no plain model."""

from __future__ import annotations

from typing import Generic, TypeVar

import pytest
from pydantic import BaseModel, RootModel

from cli.workflow_commands import _asked, _hint
from roadmap_worker import Context, Workflow
from workflow.authoring import definition

T = TypeVar("T")


class Counts(RootModel[dict[str, int]]):
    """It takes any names, and has no settings for others."""


class Box(BaseModel, Generic[T]):
    """A request of any type."""

    item: T


class Loose(BaseModel, extra="allow"):
    """It keeps what it does not know."""


class Nothing(BaseModel, extra="forbid"):
    """It asks for nothing."""


@pytest.mark.parametrize(
    ("request_type", "asked", "advised"),
    [
        (Counts, "any names", None),
        (Box[int], "item", "`class Box(BaseModel, "),
        (Loose, "any names", None),
        (Nothing, "nothing", None),
    ],
)
def test_the_hint_can_be_followed(
    request_type: type[BaseModel], asked: str, advised: str | None
) -> None:
    """Only what may forbid other fields is advised to, under its own name."""
    flow = Workflow("flow", request=request_type)

    @flow.step
    async def count(ctx: Context) -> int:
        return 1

    hint = _hint(definition(flow))
    assert (hint is None) == (advised is None)
    assert (advised or "") in (hint or "")
    assert _asked(request_type.model_json_schema()) == asked
