"""What the author is told, by the name of the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from roadmaps.inputs import ContentInputs, Learner
from roadmaps.kinds import KINDS
from roadmaps.prompts import RoadmapPrompt, rendered, version_of

if TYPE_CHECKING:
    from roadmaps.inputs import Inputs
    from roadmaps.prompts import Opening

LEARNER = Learner(goal="Learn Rust")


def content_inputs(*, title: str = "Ownership", learner: Learner = LEARNER) -> ContentInputs:
    """Return what is told about one concept."""
    return ContentInputs(
        learner=learner,
        language="en",
        topic="Rust",
        title=title,
        description="Who frees memory.",
        estimated_hours=3,
        difficulty="beginner",
    )


def prompt_of(kind: str, inputs: Inputs) -> RoadmapPrompt:
    """Return the prompt of a step's or of a content's call."""
    if kind in KINDS:
        return KINDS[kind].prompt(cast("ContentInputs", inputs))
    return RoadmapPrompt(kind, inputs)


def render(kind: str, inputs: Inputs) -> Opening:
    """Return its two messages."""
    return rendered(prompt_of(kind, inputs).text, inputs)


def prompt_version(kind: str) -> str:
    """Return what changes when its text does."""
    return version_of(prompt_of(kind, cast("Inputs", None)).text)
