"""A tutorial: Markdown, shown while it is written, and stored as HTML too."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from core.settings import get_settings
from roadmaps import live_text
from roadmaps.inputs import CallKind
from roadmaps.kinds.kind import Kind
from roadmaps.outputs import Tutorial
from roadmaps.rendering.renderer import render
from roadmaps.rendering.stored import rows_of
from workflow.definition import Written

if TYPE_CHECKING:
    from roadmaps.kinds.kind import Writing


class TutorialKind(Kind):
    """The text that teaches a concept."""

    name = "tutorial"
    call = CallKind.TUTORIAL

    def ready(self, title: str) -> str:
        """Return the sentence that the tutorial of a concept is there."""
        return f"Tutorial for '{title}' is ready"

    async def write(self, writing: Writing) -> Written:
        """Write it, and render it once here instead of by whoever reads it."""
        want, asking = writing.want, writing.asking
        prompt = self.prompt(writing.inputs)
        if get_settings().llm_stream:
            show = partial(live_text.show, writing.task_id, about=writing.about)
            tutorial = await asking.stream(prompt, Tutorial, field="markdown", on_text=show)
        else:
            tutorial = await asking.ask(prompt, Tutorial)
        html = await render(tutorial.markdown)
        return Written({"markdown": tutorial.markdown}, rows=rows_of(want.content_id, html))


KIND = TutorialKind()
