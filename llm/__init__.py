"""Language models behind one port: a call names a prompt and a shape, the answer has that shape."""

from __future__ import annotations

from core.usage import Usage
from llm.author import create_author
from llm.calls import (
    Author,
    Call,
    CallKind,
    Completion,
    ConceptContext,
    ContentInputs,
    DesignInputs,
    EditInputs,
    Inputs,
    IntentInputs,
    Learner,
    OnRetry,
    OnText,
    OutlineInputs,
    PlanInputs,
)

__all__ = [
    "Author",
    "Call",
    "CallKind",
    "Completion",
    "ConceptContext",
    "ContentInputs",
    "DesignInputs",
    "EditInputs",
    "Inputs",
    "IntentInputs",
    "Learner",
    "OnRetry",
    "OnText",
    "OutlineInputs",
    "PlanInputs",
    "Usage",
    "create_author",
]
