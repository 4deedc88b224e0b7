"""Language models behind one door: say what to write, get it back in its shape."""

from __future__ import annotations

from workflow.llm.author import create_author
from workflow.llm.calls import (
    Author,
    Call,
    CallKind,
    Completion,
    ContentInputs,
    DesignInputs,
    EditInputs,
    Inputs,
    IntentInputs,
    Learner,
    OutlineInputs,
    PlanInputs,
    Usage,
)
from workflow.llm.prompts import prompt_version

__all__ = [
    "Author",
    "Call",
    "CallKind",
    "Completion",
    "ContentInputs",
    "DesignInputs",
    "EditInputs",
    "Inputs",
    "IntentInputs",
    "Learner",
    "OutlineInputs",
    "PlanInputs",
    "Usage",
    "create_author",
    "prompt_version",
]
