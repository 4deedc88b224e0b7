"""A quiz: questions whose options stand in an order that gives no answer away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal
from zlib import crc32

from pydantic import BaseModel, Field, field_validator, model_validator

from core.printed import Line
from roadmaps.kinds.kind import Kind, Shown
from roadmaps.outputs import Prose, asked_for, first
from roadmaps.questions import question_read, questions_read
from roadmaps.reading import RoadmapOutput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from roadmaps.inputs import ContentInputs

_ANY_TEXT: Final = ("utf-8", "surrogatepass")


class QuestionDraft(RoadmapOutput):
    """One question; right answers and wrong ones are kept apart, so neither can be missing."""

    question: Prose
    kind: Literal["single", "multiple", "true_false"]
    answers: list[str] = Field(min_length=1, description="The right answers (one for `single`).")
    distractors: list[str] = Field(min_length=1, description="Wrong answers that look plausible.")
    explanation: Prose = Field(description="Why the answer is right.")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any) -> Any:
        return question_read(data)


class QuizDraft(RoadmapOutput):
    """A quiz for one concept."""

    questions: Annotated[list[QuestionDraft], first(8), asked_for(5, 8)]

    @field_validator("questions", mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        return questions_read(value)


class Question(Shown):
    """One question; `correct` are positions in `options`."""

    question: str
    kind: str
    options: list[str]
    correct: list[int]
    explanation: str


class StoredQuestion(Question):
    """A question whose right options are there."""

    options: list[str] = Field(min_length=2)
    correct: list[int] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_range(self) -> StoredQuestion:
        if not all(0 <= position < len(self.options) for position in self.correct):
            raise ValueError("`correct` names no option")
        return self


class QuizBody(BaseModel):
    """What is stored."""

    questions: list[StoredQuestion] = Field(min_length=1)


class Quiz(Shown):
    """Questions about a concept."""

    questions: list[Question]


class QuizKind(Kind):
    """Questions about a concept."""

    name = "quiz"
    order = 30
    output = QuizDraft
    tokens = 3500
    body: ClassVar = QuizBody
    shown: ClassVar = Quiz

    def sample(self, inputs: ContentInputs) -> QuizDraft:
        """Return prepared questions."""
        from roadmaps.sample.quiz import quiz  # texts that a real author does not need

        return QuizDraft.model_validate({"questions": quiz(inputs)})

    def stored(self, answer: QuizDraft) -> dict[str, Any]:
        """Put the options of each question in order."""
        return quiz_body(answer.questions)

    def show(self, body: Mapping[str, Any], *, version: int, html: str | None) -> Any:  # noqa: ARG002 - its version stands beside it
        """Return the questions."""
        return body

    def printed(self, shown: Any) -> Iterator[Line]:
        """Return the questions with their options, the answers left out."""
        for number, question in enumerate(shown.get("questions", ()), 1):
            yield Line(f"{number}. {question['question']}", strong=True)
            for letter, option in zip("abcdefghij", question.get("options", ()), strict=False):
                yield Line(f"   {letter}) {option}")


def quiz_body(questions: Sequence[Any]) -> dict[str, Any]:
    """Turn questions with answers and distractors into options with the right ones' indices.

    The order of the options is fixed by a checksum, so that the same quiz is always shown alike.
    """
    return {"questions": [_question(question) for question in questions]}


def _question(question: Any) -> dict[str, Any]:
    answers = list(dict.fromkeys(question.answers))
    if question.kind != "multiple":
        answers = answers[:1]
    wrong = [text for text in dict.fromkeys(question.distractors) if text not in answers]
    if question.kind == "true_false":
        wrong = wrong[:1]
    asked = crc32(question.question.encode(*_ANY_TEXT))
    placed = [(crc32(text.encode(*_ANY_TEXT), asked), text) for text in (*answers, *wrong)]
    options = [text for _, text in sorted(placed)]
    return {
        "question": question.question,
        "kind": question.kind,
        "options": options,
        "correct": sorted(map(options.index, answers)),
        "explanation": question.explanation,
    }


KIND = QuizKind()
