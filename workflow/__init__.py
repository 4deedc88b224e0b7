"""The engine: a task's steps, leases, reviews, retries. Knows neither Celery nor HTTP nor Redis.

This is its one door for whoever writes workflows; `roadmap_worker` shows the same names to authors,
and the built-in workflow uses no others. A name is loaded when it is first used, so that importing
a module of the engine costs nothing more than that module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from workflow.asking import Asking, input_digest
    from workflow.audit_rules import RESTORE, AuditRules, Look, Meaning
    from workflow.audit_rules import Kind as FindingKind
    from workflow.authoring import END, Failure, Finished, Next, Parts, Workflow, WorkflowError
    from workflow.context import Context
    from workflow.definition import Definition
    from workflow.drafts import counted, draft
    from workflow.failures import PartFailed, Retryable
    from workflow.history import Done, last_output
    from workflow.live_text import show as show_text
    from workflow.parts import Need, Wanted
    from workflow.retry import remake
    from workflow.shape import StepShape, WorkflowShape
    from workflow.step import PartsStep, StepBody, StepContext, StepOptions, StepResult, Written
    from workflow.stored import reading
    from workflow.templates import as_data, environment, prompt
    from workflow.under_review import Answer, Edited, Terms, UnderReview

__all__ = [
    "END",
    "RESTORE",
    "Answer",
    "Asking",
    "AuditRules",
    "Context",
    "Definition",
    "Done",
    "Edited",
    "Failure",
    "FindingKind",
    "Finished",
    "Look",
    "Meaning",
    "Need",
    "Next",
    "PartFailed",
    "Parts",
    "PartsStep",
    "Retryable",
    "StepBody",
    "StepContext",
    "StepOptions",
    "StepResult",
    "StepShape",
    "Terms",
    "UnderReview",
    "Wanted",
    "Workflow",
    "WorkflowError",
    "WorkflowShape",
    "Written",
    "as_data",
    "counted",
    "draft",
    "environment",
    "input_digest",
    "last_output",
    "prompt",
    "reading",
    "remake",
    "show_text",
]

_AT: Final = {
    "workflow.asking": (
        "Asking",
        "input_digest",
    ),
    "workflow.audit_rules": (
        "RESTORE",
        "AuditRules",
        "Look",
        "Meaning",
    ),
    "workflow.authoring": (
        "END",
        "Failure",
        "Finished",
        "Next",
        "Parts",
        "Workflow",
        "WorkflowError",
    ),
    "workflow.context": ("Context",),
    "workflow.definition": ("Definition",),
    "workflow.drafts": (
        "counted",
        "draft",
    ),
    "workflow.failures": (
        "PartFailed",
        "Retryable",
    ),
    "workflow.history": (
        "Done",
        "last_output",
    ),
    "workflow.parts": (
        "Need",
        "Wanted",
    ),
    "workflow.retry": ("remake",),
    "workflow.shape": (
        "StepShape",
        "WorkflowShape",
    ),
    "workflow.step": (
        "PartsStep",
        "StepBody",
        "StepContext",
        "StepOptions",
        "StepResult",
        "Written",
    ),
    "workflow.stored": ("reading",),
    "workflow.templates": (
        "as_data",
        "environment",
        "prompt",
    ),
    "workflow.under_review": (
        "Answer",
        "Edited",
        "Terms",
        "UnderReview",
    ),
}
"""The modules in which the names stand."""
_ALIKE: Final = {
    "FindingKind": ("workflow.audit_rules", "Kind"),
    "show_text": ("workflow.live_text", "show"),
}
"""Those that have another name there."""
_PLACES: Final = {name: (module, name) for module, names in _AT.items() for name in names} | _ALIKE


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, there = _PLACES[name]
    found = getattr(import_module(module), there)
    globals()[name] = found
    return found
