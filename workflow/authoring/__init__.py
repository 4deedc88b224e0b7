"""What authors of workflows write with: steps are functions, what they return is kept."""

from __future__ import annotations

from functools import cache
from typing import Any

from workflow.authoring.checks import check_whole
from workflow.authoring.compiled import Compiled
from workflow.authoring.errors import ResultError, WorkflowError
from workflow.authoring.parts import Failure, Parts
from workflow.authoring.planning import END, Finished, Next
from workflow.authoring.workflow import Workflow

__all__ = [
    "END",
    "Failure",
    "Finished",
    "Next",
    "Parts",
    "ResultError",
    "Workflow",
    "WorkflowError",
    "definition",
]


@cache
def definition(workflow: Workflow[Any]) -> Compiled:
    """Return what the engine runs, made of what an author has declared; always the same object.

    Raises:
        WorkflowError: Something in it contradicts itself.
    """
    check_whole(workflow)
    return Compiled(workflow)
