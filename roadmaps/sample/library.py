"""The sample author's prepared texts, its "shelf": curricula, plans and phrases in JSON files."""

from __future__ import annotations

import hashlib
import random
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from roadmaps.outputs import Difficulty

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

WRITTEN_LANGUAGES: Final = ("en", "zh", "es", "de", "fr")
"""Languages with general plans and phrases; others get an English frame for their own words."""

KINDS: Final = ("tongue", "tech", "craft", "study")
"""Kinds of subject: a language, software, something done with body or hands, anything else."""

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SampleConcept(_Data):
    """One concept of a curriculum; `after` names titles of concepts to learn before it."""

    title: str
    description: str
    hours: float
    difficulty: Difficulty
    after: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    """True statements about this concept and no other one; tutorials and quizzes use them."""
    code: str | None = None


class SampleModule(_Data):
    """A group of concepts."""

    title: str
    concepts: tuple[SampleConcept, ...]


class SampleStage(_Data):
    """A part of the way."""

    title: str
    modules: tuple[SampleModule, ...]


class SampleResource(_Data):
    """A well-known address that helps with the whole subject."""

    title: str
    url: str
    type: str
    why: str
    language: str = "en"


class Curriculum(_Data):
    """A roadmap on the shelf; a general plan has `{subject}` in its texts."""

    topic: str
    kind: str
    title: str
    summary: str
    match: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    language: str = "en"
    code_language: str = ""
    resources: tuple[SampleResource, ...] = ()
    stages: tuple[SampleStage, ...]

    def concepts(self) -> list[SampleConcept]:
        """Return all concepts in order."""
        return [c for s in self.stages for m in s.modules for c in m.concepts]


class TutorialPhrases(_Data):
    """Building blocks of a tutorial; one of each list is chosen by a seed."""

    why_heading: str
    idea_heading: str
    try_heading: str
    mistakes_heading: str
    check_heading: str
    line: str
    why: tuple[str, ...]
    idea: tuple[str, ...]
    points: tuple[str, ...]
    example: tuple[str, ...]
    steps: dict[str, tuple[tuple[str, ...], ...]]
    """By kind of subject several lists of steps; `any` serves kinds without their own."""
    pace: tuple[str, ...]
    mistakes: tuple[str, ...]
    check: tuple[str, ...]


class QuizPhrases(_Data):
    """Building blocks of a quiz."""

    describes: tuple[str, ...]
    belongs: tuple[str, ...]
    is_true: str
    is_false: str
    true: str
    false: str
    habits: str
    good_habits: tuple[str, ...]
    bad_habits: tuple[str, ...]
    other_ideas: tuple[str, ...]
    why_describes: str
    why_belongs: str
    why_true: str
    why_false: str
    why_habits: str


class ResourcePhrases(_Data):
    """Building blocks of the resources."""

    encyclopedia: str
    encyclopedia_why: str
    courses: str
    courses_why: str
    books: str
    books_why: str
    videos: str
    videos_why: str


class EditPhrases(_Data):
    """Titles and descriptions for what an edit adds, and the patterns that feedback is read by."""

    summary: str
    added: str
    added_practice_title: str
    added_practice: str
    attention: str
    first_of_two: str
    second_of_two: str
    another: str
    patterns: dict[str, tuple[str, ...]]


class Phrases(_Data):
    """Everything the sample author says in one language."""

    label: str
    nothing: str
    openings: tuple[str, ...]
    """Patterns cut from the beginning of a goal, again and again."""
    endings: tuple[str, ...]
    """Patterns from which the end of a goal is cut."""
    verbs: dict[str, str] = {}
    """Verbs a goal may begin with, and the form that stands like a noun."""
    kinds: dict[str, str]
    """For each kind but `study` the pattern of goals that belong to it."""
    levels: dict[str, str]
    summary: str
    background: str
    intent: str
    focus: tuple[str, ...]
    gaps: tuple[str, ...]
    tutorial: TutorialPhrases
    quiz: QuizPhrases
    resources: ResourcePhrases
    edit: EditPhrases


def _folder(name: str) -> Traversable:
    return resources.files(__package__ or "roadmaps.sample").joinpath(name)


@cache
def phrases(language: str) -> Phrases:
    """Return the phrases of a language, English ones for a language without any."""
    name = written_language(language)
    return Phrases.model_validate_json(_folder("phrases").joinpath(f"{name}.json").read_bytes())


@cache
def plan(language: str, kind: str) -> Curriculum:
    """Return the general plan for a kind of subject in a language, or the one for any kind."""
    written = written_language(language)
    file = _folder("plans").joinpath(f"{written}_{kind}.json")
    if not file.is_file():
        file = _folder("plans").joinpath(f"{written}_study.json")
    return Curriculum.model_validate_json(file.read_bytes())


@cache
def curricula() -> tuple[Curriculum, ...]:
    """Return the curricula of well-known subjects, in a fixed order."""
    files = sorted(
        (f for f in _folder("curricula").iterdir() if f.name.endswith(".json")),
        key=lambda f: f.name,
    )
    return tuple(Curriculum.model_validate_json(f.read_bytes()) for f in files)


def written_language(tag: str) -> str:
    """Return the language we have phrases in for a BCP 47 tag, English when there are none."""
    base = tag.replace("_", "-").split("-")[0].lower()
    return base if base in WRITTEN_LANGUAGES else "en"


def fill(template: str, **values: object) -> str:
    """Put values into `{name}` places once: braces inside the values stay as they are."""
    return _PLACEHOLDER.sub(
        lambda m: str(values[m[1]]) if m[1] in values else m[0],
        template,
    )


def seeded(*parts: str) -> random.Random:
    """Return a generator that gives the same numbers for the same parts in every process."""
    data = "\x1f".join(parts).encode("utf-8", "replace")
    seed = int.from_bytes(hashlib.sha256(data).digest(), "big")
    return random.Random(seed)  # noqa: S311 - choosing among phrases is no secret
