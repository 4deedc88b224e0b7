"""Asks the sample author's questions: right answers come from the concept's own texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadmaps.sample.design import curriculum_of
from roadmaps.sample.library import QuizPhrases, SampleConcept, fill, phrases, seeded
from roadmaps.sample.subject import cleaned
from roadmaps.sample.tutorial import concept_on_shelf

if TYPE_CHECKING:
    import random

    from roadmaps.inputs import ContentInputs

_DISTRACTORS = 3


def quiz(inputs: ContentInputs) -> list[dict[str, Any]]:
    """Ask five questions of mixed kinds about one concept, as a model would put them."""
    said = phrases(inputs.language).quiz
    chance = seeded("quiz", inputs.topic, inputs.title, inputs.description)
    curriculum = curriculum_of(inputs.learner.goal, inputs.language)
    known = concept_on_shelf(inputs)
    others = [c for c in curriculum.concepts() if c.title != inputs.title]
    title = cleaned(inputs.title) or inputs.topic
    description = cleaned(inputs.description) or title
    values = {"title": title, "description": description}
    wrong = [c.description for c in others] or list(said.other_ideas)
    questions = [
        {
            "question": fill(chance.choice(said.describes), **values),
            "kind": "single",
            "answers": [description],
            "distractors": _some(chance, wrong, but=description),
            "explanation": fill(said.why_describes, **values),
        }
    ]
    statements = chance.sample(sorted({text for text in wrong if text != description}), 2)
    if known and known.points:
        questions += _about_points(chance, said, known, others, values)
        del statements[1:]
    else:
        questions.append(_true(said, description, values))
    questions += [
        {
            "question": fill(said.is_false, **values, statement=statement),
            "kind": "true_false",
            "answers": [said.false],
            "distractors": [said.true],
            "explanation": fill(said.why_false, **values),
        }
        for statement in statements
    ]
    questions.append(
        {
            "question": fill(said.habits, **values),
            "kind": "multiple",
            "answers": chance.sample(said.good_habits, 2),
            "distractors": chance.sample(said.bad_habits, 2),
            "explanation": fill(said.why_habits, **values),
        }
    )
    return questions


def _about_points(
    chance: random.Random,
    said: QuizPhrases,
    known: SampleConcept,
    others: list[SampleConcept],
    values: dict[str, str],
) -> list[dict[str, Any]]:
    elsewhere = [point for other in others for point in other.points]
    return [
        {
            "question": fill(chance.choice(said.belongs), **values),
            "kind": "multiple",
            "answers": list(known.points),
            "distractors": _some(chance, elsewhere, but=known.points[0])[:2]
            or list(said.other_ideas[:2]),
            "explanation": fill(said.why_belongs, **values),
        },
        _true(said, chance.choice(known.points), values),
    ]


def _true(said: QuizPhrases, statement: str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "question": fill(said.is_true, **values, statement=statement),
        "kind": "true_false",
        "answers": [said.true],
        "distractors": [said.false],
        "explanation": fill(said.why_true, **values),
    }


def _some(chance: random.Random, texts: list[str], *, but: str) -> list[str]:
    distinct = sorted({text for text in texts if text != but})
    return chance.sample(distinct, min(_DISTRACTORS, len(distinct)))
