"""Last step: the contents of each concept, many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from db.facts import EventDraft
from notifications.events import EventType
from roadmaps.inputs import ContentInputs
from roadmaps.kinds import KINDS, Writing, kind_of
from roadmaps.standing import contexts
from roadmaps.steps.names import RoadmapStep
from workflow import Need, PartsStep, reading

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from notifications.event_data import PartTold
    from roadmaps.steps.context import RoadmapContext
    from workflow import Asking, Wanted, Written

_INPUTS: Final = {*ContentInputs.model_fields} - {"hits", "instruction"}
"""One set for all: each of its own is half of what such a value takes, and there are thousands."""


class ContentGeneration(PartsStep):
    """Writes the contents of every concept."""

    noun = "content"
    heeds_cancellation = True

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of contents that a concept may have."""
        return tuple(KINDS)

    async def list(self, context: RoadmapContext) -> Sequence[Need]:
        """Return each content of each concept, in the order of the roadmap."""
        roadmap_id, outline = context.current()
        with reading("the intent"):
            topic = str(context.output_of(RoadmapStep.INTENT_ANALYSIS)["topic"])
        standing, learner = contexts(outline), context.learner
        needs = []
        for concept in outline.concepts():
            inputs = ContentInputs.model_construct(  # of what was checked already
                _INPUTS,
                learner=learner,
                language=context.language,
                topic=topic,
                title=concept.title,
                description=concept.description,
                estimated_hours=concept.estimated_hours,
                difficulty=concept.difficulty,
                context=standing[concept.concept_id],
            )
            columns = {"roadmap_id": roadmap_id, "concept_id": UUID(concept.concept_id)}
            needs += [
                Need(
                    key=concept.concept_id,
                    title=concept.title,
                    kind=kind.name,
                    digest=kind.digest(inputs),
                    inputs=inputs,
                    columns=columns,
                )
                for kind in KINDS.values()
            ]
        return needs

    def make(self, task_id: UUID, want: Wanted, asking: Asking) -> Awaitable[Written]:
        """Ask the author for a content, and make of the answer what is stored; to be awaited."""
        writing = Writing(task_id=task_id, want=want, asking=asking)
        return kind_of(want.need.kind).write(writing)

    def told(self, want: Wanted) -> PartTold:
        """Return what events tell of a content, its concept named as well."""
        told = super().told(want)
        told["concept_id"], told["concept_title"] = want.need.key, want.need.title
        return told

    def making(self, want: Wanted) -> str:
        """Return the sentence that a content's writing began."""
        return f"Writing the {want.need.kind} for '{want.need.title}'"

    def ready(self, want: Wanted, written: Written) -> str:
        """Return the sentence that a content is there."""
        ready = kind_of(want.need.kind).ready(want.need.title)
        return f"{ready}, without a web search ({written.note})" if written.note else ready

    def failed(self, want: Wanted, reason: str) -> str:
        """Return the sentence that a content cannot be written."""
        return f"The {want.need.kind} for '{want.need.title}' failed: {reason}"

    def complete(self, want: Wanted) -> EventDraft:
        """Return the event that all contents of a concept are there."""
        title = want.need.title
        return EventDraft(
            type=EventType.CONCEPT_COMPLETED,
            message=f"'{title}' is complete",
            data={"concept_id": want.need.key, "concept_title": title},
        )
