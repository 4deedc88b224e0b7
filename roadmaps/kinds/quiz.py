"""A quiz: questions whose right answers stand at no telling place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.digest import digest
from roadmaps.inputs import CallKind
from roadmaps.kinds.kind import Kind
from roadmaps.outputs import QuizDraft
from workflow.definition import Written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roadmaps.kinds.kind import Writing


class QuizKind(Kind):
    """Questions about a concept."""

    name = "quiz"
    call = CallKind.QUIZ

    def ready(self, title: str) -> str:
        """Return the sentence that the quiz of a concept is there."""
        return f"Quiz for '{title}' is ready"

    async def write(self, writing: Writing) -> Written:
        """Write the questions, and put their options in order."""
        quiz = await writing.asking.ask(self.prompt(writing.inputs), QuizDraft)
        return Written(quiz_body(quiz.questions))


def quiz_body(questions: Sequence[Any]) -> dict[str, Any]:
    """Turn questions with answers and distractors into options with the right ones' indices.

    The order of the options is fixed by a digest, so that the same quiz is always shown alike.
    """
    return {"questions": [_question(question) for question in questions]}


def _question(question: Any) -> dict[str, Any]:
    answers = list(dict.fromkeys(question.answers))
    if question.kind != "multiple":
        answers = answers[:1]
    wrong = [text for text in dict.fromkeys(question.distractors) if text not in answers]
    if question.kind == "true_false":
        wrong = wrong[:1]
    options = sorted([*answers, *wrong], key=lambda text: digest([question.question, text]))
    return {
        "question": question.question,
        "kind": question.kind,
        "options": options,
        "correct": sorted(options.index(answer) for answer in answers),
        "explanation": question.explanation,
    }


KIND = QuizKind()
