"""What only events of roadmaps tell: a structure that can be read, and its concepts."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from notifications.event_types import BaseEvent, EventType, Frozen


class OfConcept(Frozen):
    """To which concept a part belongs."""

    concept_id: UUID | None = Field(
        default=None, description="Of roadmaps only: the same as `key`."
    )
    concept_title: str | None = Field(default=None, description="Of roadmaps only.")


class RoadmapData(Frozen):
    """A version of the roadmap can be read."""

    roadmap_id: UUID
    version: int
    title: str
    concepts: int


class ConceptData(Frozen):
    """A concept whose contents are all completed."""

    concept_id: UUID
    concept_title: str


class RoadmapReady(BaseEvent):
    """A version of the structure can be read."""

    type: Literal[EventType.ROADMAP_READY]
    data: RoadmapData


class ConceptCompleted(BaseEvent):
    """All contents of a concept can be read."""

    type: Literal[EventType.CONCEPT_COMPLETED]
    data: ConceptData
