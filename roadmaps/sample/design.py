"""Designs the sample author's roadmap: a prepared one, or a plan in the goal's own words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from roadmaps.outputs import (
    ConceptDraft,
    CurriculumDraft,
    IntentAnalysis,
    ModuleDraft,
    StageDraft,
)
from roadmaps.sample.library import (
    Curriculum,
    SampleConcept,
    SampleModule,
    fill,
    phrases,
    plan,
)
from roadmaps.sample.subject import (
    Subject,
    cleaned,
    curriculum_for,
    language_of,
    shortened,
    subject_of,
)

if TYPE_CHECKING:
    from roadmaps.inputs import DesignInputs, IntentInputs, Learner

WEEKS_IN_A_YEAR: Final = 52
FEWEST_CONCEPTS: Final = 9
_TAG: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,34}")
_LEAST_HOURS: Final = 0.5
_MOST_HOURS: Final = 200.0
_TITLE_LENGTH: Final = 200

_PACE: Final[dict[str, dict[str, float]]] = {
    "beginner": {},
    "intermediate": {"beginner": 0.6},
    "advanced": {"beginner": 0.4, "intermediate": 0.75},
}
"""Who is further on needs only a part of the time for what is easier."""


@lru_cache(maxsize=256)
def curriculum_of(goal: str, language: str) -> Curriculum:
    """Return the curriculum for a goal with every placeholder filled."""
    known = curriculum_for(goal, language)
    if known is not None:
        return known
    subject = subject_of(goal, language)
    return _filled(plan(language, subject.kind), subject)


def intent(inputs: IntentInputs) -> IntentAnalysis:
    """Read the learner's goal: its language, subject and what matters about it."""
    learner = inputs.learner
    language = learner.language or ""
    if not _TAG.fullmatch(language):
        language = language_of(learner.goal)
    subject = subject_of(learner.goal, language)
    known = curriculum_for(learner.goal, language)
    said = phrases(language)
    topic = known.topic if known else subject.title
    phrase = known.topic if known else subject.phrase
    values = {"subject": phrase, "label": said.label}
    return IntentAnalysis(
        topic=shortened(topic, _TITLE_LENGTH),
        summary=fill(said.intent, **values),
        language=language,
        focus_areas=[shortened(fill(text, **values), _TITLE_LENGTH) for text in said.focus],
        skills=[shortened(m.title, _TITLE_LENGTH) for m in _modules(learner.goal, language)][:6],
        skill_gaps=[shortened(fill(text, **values), _TITLE_LENGTH) for text in said.gaps],
        constraints=[],
    )


def _modules(goal: str, language: str) -> list[SampleModule]:
    return [module for stage in curriculum_of(goal, language).stages for module in stage.modules]


def design(inputs: DesignInputs) -> CurriculumDraft:
    """Lay out the roadmap for a learner's level and time."""
    learner = inputs.learner
    curriculum = curriculum_of(learner.goal, inputs.language)
    chosen = _chosen(curriculum, learner)
    hours = _hours(chosen, learner)
    stages = []
    for stage in curriculum.stages:
        modules = [
            ModuleDraft(
                title=shortened(module.title, _TITLE_LENGTH),
                concepts=[
                    _draft(concept, hours, chosen)
                    for concept in module.concepts
                    if concept.title in chosen
                ],
            )
            for module in stage.modules
            if any(concept.title in chosen for concept in module.concepts)
        ]
        if modules:
            stages.append(StageDraft(title=shortened(stage.title, _TITLE_LENGTH), modules=modules))
    return CurriculumDraft(
        title=shortened(curriculum.title, _TITLE_LENGTH),
        summary=_summary(curriculum, inputs),
        stages=stages,
    )


def _filled(template: Curriculum, subject: Subject) -> Curriculum:
    values = {"subject": subject.phrase, "title": subject.title}

    def texts(value: object) -> object:
        if isinstance(value, str):
            return fill(value, **values)
        if isinstance(value, dict):
            return {key: texts(part) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [texts(part) for part in value]
        return value

    return Curriculum.model_validate(
        {**template.model_dump(), "topic": subject.title}
        | {
            key: texts(
                getattr(template, key) if key != "stages" else template.model_dump()["stages"]
            )
            for key in ("title", "summary", "stages")
        }
    )


def _chosen(curriculum: Curriculum, learner: Learner) -> dict[str, SampleConcept]:
    concepts = {concept.title: concept for concept in curriculum.concepts()}
    if learner.level != "advanced":
        return concepts
    for title, concept in list(concepts.items()):
        if concept.difficulty == "beginner" and len(concepts) > FEWEST_CONCEPTS:
            del concepts[title]
    return concepts


def _hours(chosen: dict[str, SampleConcept], learner: Learner) -> dict[str, float]:
    pace = _PACE[learner.level]
    hours = {title: c.hours * pace.get(c.difficulty, 1.0) for title, c in chosen.items()}
    year = WEEKS_IN_A_YEAR * max(1, learner.hours_per_week)
    factor = min(1.0, 0.9 * year / sum(hours.values()))
    return {title: _half_hours(value * factor) for title, value in hours.items()}


def _half_hours(value: float) -> float:
    return min(_MOST_HOURS, max(_LEAST_HOURS, round(value * 2) / 2))


def _draft(
    concept: SampleConcept, hours: dict[str, float], chosen: dict[str, SampleConcept]
) -> ConceptDraft:
    return ConceptDraft(
        title=shortened(concept.title, _TITLE_LENGTH),
        description=concept.description,
        estimated_hours=hours[concept.title],
        difficulty=concept.difficulty,
        prerequisites=[
            shortened(title, _TITLE_LENGTH) for title in concept.after if title in chosen
        ],
    )


def _summary(curriculum: Curriculum, inputs: DesignInputs) -> str:
    """Return what it leads to; sizes change with each edit and are counted where they are shown."""
    learner = inputs.learner
    said = phrases(inputs.language)
    summary = fill(
        said.summary,
        label=said.label,
        summary=curriculum.summary,
        goal=shortened(cleaned(learner.goal), 200) or curriculum.topic,
        level=said.levels[learner.level],
        hours=max(1, learner.hours_per_week),
    )
    background = cleaned(learner.background or "")
    if background:
        summary += fill(said.background, background=shortened(background, 200))
    return summary
