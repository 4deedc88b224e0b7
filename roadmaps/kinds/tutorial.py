"""A tutorial: Markdown, shown while it is written, and stored as HTML too."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from roadmaps import outputs
from roadmaps.inputs import CallKind
from roadmaps.kinds.kind import Kind, Shown


class TutorialBody(BaseModel):
    """What is stored."""

    markdown: str = Field(min_length=1)


class Tutorial(Shown):
    """A text to learn from: Markdown as written, HTML sanitised."""

    markdown: str
    html: str
    version: int


class TutorialKind(Kind):
    """The text that teaches a concept."""

    name = "tutorial"
    order = 10
    call = CallKind.TUTORIAL
    output = outputs.Tutorial
    tokens = 4000
    text = "markdown"
    body: ClassVar = TutorialBody
    shown: ClassVar = Tutorial


KIND = TutorialKind()
