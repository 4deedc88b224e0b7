"""Which contents a roadmap needs, which it has, and what one is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from core.digest import digest
from core.ids import new_id
from core.states import ContentKind, ContentStatus
from core.usage import Usage
from db.facts import Insert, RowWrite, Update
from db.models import Content
from workflow.asking import input_digest
from workflow.llm import CallKind, ContentInputs
from workflow.standing import contexts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Table

    from workflow.llm import Learner
    from workflow.outline import ConceptNode, Outline

CONTENTS: Final = cast("Table", Content.__table__)
CALLS: Final = {
    ContentKind.TUTORIAL: CallKind.TUTORIAL,
    ContentKind.RESOURCES: CallKind.RESOURCES,
    ContentKind.QUIZ: CallKind.QUIZ,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One content to write: its row, and what it is made from."""

    content_id: UUID
    concept_id: UUID
    concept_title: str
    kind: ContentKind
    version: int
    inputs: ContentInputs
    spent: Usage = field(default_factory=Usage)
    """In vain, by earlier attempts at this version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is to be done for a roadmap's contents."""

    wanted: tuple[Wanted, ...]
    rows: tuple[RowWrite, ...]
    """New and changed rows, so that what is to be done can be seen before it is done."""
    completed: int
    failed: int
    total: int
    failed_concepts: frozenset[UUID] = frozenset()
    """Concepts with a content that failed before and is not tried again now."""


def work_left(
    outline: Outline,
    newest: Iterable[Content],
    *,
    roadmap_id: UUID,
    learner: Learner,
    language: str,
    topic: str,
) -> Work:
    """Compare what a structure needs with what is there.

    A completed content whose inputs are the same is never written again, whatever was edited
    elsewhere; one whose inputs changed gets a new version. A failed one stays failed: only a retry
    makes it pending again.
    """
    have = {(str(c.concept_id), c.kind): c for c in newest}
    wanted: list[Wanted] = []
    rows: list[RowWrite] = []
    failed_concepts: list[UUID] = []
    completed = total = 0
    standing = contexts(outline)
    for concept in outline.concepts():
        inputs = ContentInputs(
            learner=learner,
            language=language,
            topic=topic,
            title=concept.title,
            description=concept.description,
            estimated_hours=concept.estimated_hours,
            difficulty=concept.difficulty,
            context=standing[concept.concept_id],
        )
        for kind in ContentKind:
            total += 1
            made_from = input_digest(CALLS[kind], inputs)
            content = have.get((concept.concept_id, str(kind)))
            current = content is not None and content.input_digest == made_from
            if content and current and content.status == ContentStatus.COMPLETED:
                completed += 1
                continue
            if content and current and content.status == ContentStatus.FAILED:
                failed_concepts.append(UUID(concept.concept_id))
                continue
            want, row = _want(concept, kind, inputs, made_from, content, roadmap_id)
            wanted.append(want)
            rows += row
    return Work(
        wanted=tuple(wanted),
        rows=tuple(rows),
        completed=completed,
        failed=len(failed_concepts),
        total=total,
        failed_concepts=frozenset(failed_concepts),
    )


def _want(
    concept: ConceptNode,
    kind: ContentKind,
    inputs: ContentInputs,
    made_from: str,
    content: Content | None,
    roadmap_id: UUID,
) -> tuple[Wanted, list[RowWrite]]:
    new = content is None or content.status == ContentStatus.COMPLETED
    content_id = new_id() if content is None or new else content.content_id
    version = 1 if content is None else content.version + new
    want = Wanted(
        content_id=content_id,
        concept_id=UUID(concept.concept_id),
        concept_title=concept.title,
        kind=kind,
        version=version,
        inputs=inputs,
        spent=Usage() if content is None or new else Usage.of(content),
    )
    if new:
        values = {
            "content_id": content_id,
            "roadmap_id": roadmap_id,
            "concept_id": want.concept_id,
            "kind": str(kind),
            "version": version,
            "status": str(ContentStatus.PENDING),
            "input_digest": made_from,
        }
        return want, [Insert(CONTENTS, values)]
    if content is not None and (
        content.status != ContentStatus.PENDING or content.input_digest != made_from
    ):
        return want, [pending_again(content_id, made_from)]
    return want, []


def pending_again(content_id: UUID, made_from: str) -> RowWrite:
    """Return what makes an unfinished content wait for its turn anew."""
    return Update(
        CONTENTS,
        {"content_id": content_id},
        {"status": str(ContentStatus.PENDING), "input_digest": made_from, "error": None},
    )


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
