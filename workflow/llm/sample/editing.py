"""Placeholder."""
from __future__ import annotations
from workflow.llm.outputs import EditPlan, EditScript


def edit_plan(inputs):
    return EditPlan(summary="", intents=[])


def edit_script(inputs):
    return EditScript(summary="", operations=[])
