"""A workflow that declarations are tried on, and what it asks for and plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from roadmap_worker import Context, Workflow, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable


class Ask(BaseModel):
    """What is asked for."""

    topic: str


class Other(BaseModel):
    """Something else."""


class Item(BaseModel):
    """A part before it is made."""

    slug: str


class Plan(BaseModel):
    """What is planned."""

    items: list[Item]


def planned() -> Workflow[Ask]:
    """Return a workflow with a step `plan_it` that gives a plan."""
    flow = Workflow("flow", request=Ask)

    @flow.step
    async def plan_it(ctx: Context, request: Ask) -> Plan:
        return Plan(items=[])

    return flow


def refused(declare: Callable[[Workflow[Ask]], None], said: str) -> None:
    """Check that a declaration is refused, by a message that names the workflow and the reason."""
    flow = planned()
    with pytest.raises(WorkflowError) as raised:
        declare(flow)
    assert raised.value.message.startswith("workflow 'flow', ")
    assert said in raised.value.message
