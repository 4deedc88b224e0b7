"""A tutorial: Markdown, shown while it is written, and stored as HTML too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from roadmaps.kinds.kind import Kind
from roadmaps.reading import RoadmapOutput

if TYPE_CHECKING:
    from roadmaps.inputs import ContentInputs


class Tutorial(RoadmapOutput):
    """One concept, explained."""

    markdown: str = Field(
        min_length=1, max_length=200_000, description="The tutorial as Markdown, without raw HTML."
    )


class TutorialKind(Kind):
    """The text that teaches a concept."""

    name = "tutorial"
    order = 10
    output = Tutorial
    tokens = 4000
    text = "markdown"

    def sample(self, inputs: ContentInputs) -> Tutorial:
        """Return a prepared text."""
        from roadmaps.sample.tutorial import tutorial  # texts that a real author does not need

        return Tutorial(markdown=tutorial(inputs))


KIND = TutorialKind()
