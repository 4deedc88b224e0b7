"""What all answers are, and what some can do: the models themselves stand in `models.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, PlainSerializer

if TYPE_CHECKING:
    from roadmap_client.models import Concept, Stage

TERMINAL_STATUSES: Final = frozenset({"completed", "partial_failure", "failed", "cancelled"})
"""A task in one of these does nothing more until it is retried."""
TERMINAL_TYPES: Final = frozenset(
    {"task_completed", "task_partially_failed", "task_failed", "task_cancelled"}
)
"""The types of the events that end an attempt."""


def _as_sent(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_as_sent, return_type=str, when_used="json")]
"""A time, aware, by the server's clock."""


class Answer(BaseModel):
    """Anything the API says."""

    model_config = ConfigDict(extra="allow", frozen=True)

    def document(self) -> dict[str, Any]:
        """Return it as the JSON document that the API sent."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)


class EventAnswer(Answer):
    """What can be asked of an event."""

    type: str

    @property
    def terminal(self) -> bool:
        """Whether it ends the attempt."""
        return self.type in TERMINAL_TYPES


class TaskAnswer(Answer):
    """What can be asked of a task."""

    status: str

    @property
    def ended(self) -> bool:
        """Whether nothing more happens until a retry."""
        return self.status in TERMINAL_STATUSES


class RoadmapAnswer(Answer):
    """What can be asked of a roadmap."""

    if TYPE_CHECKING:
        stages: list[Stage]  # its model is made later than this one

    def concepts(self) -> list[Concept]:
        """Return its concepts in reading order."""
        modules = (module for stage in self.stages for module in stage.modules)
        return [concept for module in modules for concept in module.concepts]
