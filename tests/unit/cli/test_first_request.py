"""A hint names a request that the workflow takes, as far as its model lets one be made up."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from cli.first_request import first_request
from roadmap_worker import Context, Workflow
from workflow.authoring import definition


class Plain(BaseModel):
    """All that it needs can be made up."""

    topic: str = Field(min_length=1)
    depth: Literal["brief", "thorough"]
    chapters: int = Field(ge=2)
    tags: list[str] = Field(min_length=2)
    also: str = "nothing"


class Shown(BaseModel):
    """It brings an example."""

    isbn: str = Field(pattern=r"^[0-9]{10}$", examples=["0123456789"])


class Odd(BaseModel):
    """Nobody can guess it."""

    isbn: str = Field(pattern=r"^[0-9]{10}$")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            Plain,
            {"topic": "Kites", "depth": "brief", "chapters": 2, "tags": ["Kites", "Kites"]},
        ),
        (Shown, {"isbn": "0123456789"}),
        (Odd, None),
    ],
)
def test_a_first_request(model: type[BaseModel], expected: dict[str, Any] | None) -> None:
    """What must be given is, by examples, choices and limits; else nothing is claimed."""
    flow = Workflow("flow", request=model)

    @flow.step
    async def write(ctx: Context) -> str:
        return ""

    assert first_request(definition(flow)) == expected
