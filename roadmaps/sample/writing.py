"""Answers the calls of a roadmap's steps from prepared texts (`library`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from roadmaps.inputs import CallKind as Kind
from roadmaps.outputs import StructureOpinion
from roadmaps.sample.design import design, intent
from roadmaps.sample.editing import edit_plan, edit_script

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm import Output
    from roadmaps.inputs import (
        DesignInputs,
        EditInputs,
        Inputs,
        IntentInputs,
        PlanInputs,
    )


def written(kind: Kind, inputs: Inputs) -> Output:
    """Return the answer to a kind of call."""
    # A kind fixes the type of its inputs; a wrong pair is a programming error and shows as such.
    writers: dict[Kind, Callable[[], Output]] = {
        Kind.INTENT_ANALYSIS: lambda: intent(cast("IntentInputs", inputs)),
        Kind.CURRICULUM_DESIGN: lambda: design(cast("DesignInputs", inputs)),
        Kind.STRUCTURE_VALIDATION: lambda: StructureOpinion(issues=[]),
        Kind.EDIT_PLAN_ANALYSIS: lambda: edit_plan(cast("PlanInputs", inputs)),
        Kind.ROADMAP_EDIT: lambda: edit_script(cast("EditInputs", inputs)),
    }
    return writers[kind]()
