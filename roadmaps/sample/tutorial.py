"""Writes the sample author's tutorials: Markdown put together from phrases by a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadmaps.sample.design import curriculum_of
from roadmaps.sample.library import SampleConcept, fill, phrases, seeded
from roadmaps.sample.subject import cleaned

if TYPE_CHECKING:
    from roadmaps.inputs import ContentInputs

_MISTAKES = 3
_QUESTIONS = 3


def concept_on_shelf(inputs: ContentInputs) -> SampleConcept | None:
    """Return what the shelf knows about a concept, or None when its title is somebody's own."""
    curriculum = curriculum_of(inputs.learner.goal, inputs.language)
    return next((c for c in curriculum.concepts() if c.title == inputs.title), None)


def tutorial(inputs: ContentInputs) -> str:
    """Explain one concept in Markdown, labelled as sample content."""
    said = phrases(inputs.language)
    parts = said.tutorial
    random = seeded("tutorial", inputs.topic, inputs.title, inputs.description)
    curriculum = curriculum_of(inputs.learner.goal, inputs.language)
    known = concept_on_shelf(inputs)
    title = cleaned(inputs.title) or inputs.topic
    values = {
        "title": title,
        "topic": cleaned(inputs.topic),
        "level": said.levels[inputs.difficulty],
        "hours": f"{inputs.estimated_hours:g}",
    }
    steps = random.choice(parts.steps.get(curriculum.kind) or parts.steps["any"])
    blocks = [
        f"# {title}",
        f"> {said.label}",
        f"*{fill(parts.line, **values)}*",
        f"## {parts.why_heading}",
        random.choice(parts.why),
        f"## {parts.idea_heading}",
        f"**{cleaned(inputs.description) or title}**",
        random.choice(parts.idea),
    ]
    if known and known.points:
        blocks += [random.choice(parts.points), "\n".join(f"- {p}" for p in known.points)]
    if known and known.code:
        fence = f"```{curriculum.code_language}\n{known.code}\n```"
        blocks += [random.choice(parts.example), fence]
    blocks += [
        f"## {parts.try_heading}",
        "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)),
        random.choice(parts.pace),
        f"## {parts.mistakes_heading}",
        "\n".join(f"- {text}" for text in random.sample(parts.mistakes, _MISTAKES)),
        f"## {parts.check_heading}",
        "\n".join(f"- {text}" for text in random.sample(parts.check, _QUESTIONS)),
    ]
    # Texts are filled in once, so braces in a learner's words mean nothing.
    own = {blocks[0], blocks[6]}
    if known and known.code:
        own.add(fence)
    return "\n\n".join(b if b in own else fill(b, **values) for b in blocks) + "\n"
