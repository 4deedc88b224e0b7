"""The engine: a task's steps, leases, reviews, retries. Knows neither Celery nor HTTP nor Redis.

This is its one door for authors of workflows. A name is loaded when it is first used, so that
importing a module of the engine costs nothing more than that module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from workflow.authoring import (
        END,
        Failure,
        Finished,
        Next,
        Parts,
        Workflow,
        WorkflowError,
    )
    from workflow.context import Context
    from workflow.failures import PartFailed, Retryable
    from workflow.templates import prompt

__all__ = [
    "END",
    "Context",
    "Failure",
    "Finished",
    "Next",
    "PartFailed",
    "Parts",
    "Retryable",
    "Workflow",
    "WorkflowError",
    "prompt",
]

_AT: Final = {
    "Context": "workflow.context",
    "PartFailed": "workflow.failures",
    "Retryable": "workflow.failures",
    "prompt": "workflow.templates",
}
"""Where names stand that are not `workflow.authoring`'s."""


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_AT.get(name, "workflow.authoring")), name)
    globals()[name] = found
    return found
