"""Writes one content: asks the author, looks for sources, checks links, renders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from core.settings import get_settings
from core.states import ContentKind
from workflow import live_text
from workflow.contents import CALLS, Wanted, quiz_body
from workflow.links import check_resources
from workflow.llm import QuizDraft, ResourceList, Tutorial
from workflow.rendering.renderer import render
from workflow.rendering.stored import rows_of
from workflow.sources import find_sources

if TYPE_CHECKING:
    from uuid import UUID

    from db.facts import RowWrite
    from workflow.asking import Asking


@dataclass(frozen=True, slots=True)
class Written:
    """A content's body, and the code of what could not be done for it, if anything."""

    body: dict[str, Any]
    note: str | None = None
    rows: tuple[RowWrite, ...] = ()


async def write(task_id: UUID, want: Wanted, asking: Asking) -> Written:
    """Ask the author for a content, and make of the answer what is stored.

    Raises:
        AppError: The author did not give a usable answer.
    """
    kind = CALLS[want.kind]
    match want.kind:
        case ContentKind.TUTORIAL if get_settings().llm_stream:
            show = partial(
                live_text.show,
                task_id,
                concept_id=want.concept_id,
                kind=want.kind,
                version=want.version,
            )
            tutorial = await asking.stream(
                kind, want.inputs, Tutorial, field="markdown", on_text=show
            )
            return await _tutorial(want, tutorial.markdown)
        case ContentKind.TUTORIAL:
            tutorial = await asking.ask(kind, want.inputs, Tutorial)
            return await _tutorial(want, tutorial.markdown)
        case ContentKind.RESOURCES:
            hits, note = await find_sources(want.inputs)
            inputs = want.inputs.model_copy(update={"hits": tuple(hits)})
            found = await asking.ask(kind, inputs, ResourceList)
            checked = await check_resources(
                found.resources, task_id=task_id, known=frozenset(hit.url for hit in hits)
            )
            return Written({"resources": checked}, note)
        case ContentKind.QUIZ:
            quiz = await asking.ask(kind, want.inputs, QuizDraft)
            return Written(quiz_body(quiz.questions))


async def _tutorial(want: Wanted, markdown: str) -> Written:
    """Return a tutorial with its HTML, which is made here once and not by whoever reads it."""
    return Written({"markdown": markdown}, rows=rows_of(want.content_id, await render(markdown)))
