"""What a human is asked about a step, until when, and what may be answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from core.errors import ConflictError
from core.states import Decision

if TYPE_CHECKING:
    from uuid import UUID

    from core.choices import ReviewExpiry
    from core.states import Then
    from db.facts import EventDraft, RowWrite
    from workflow.definition import Definition


@dataclass(frozen=True, kw_only=True, slots=True)
class UnderReview:
    """What a human is asked about."""

    title: str
    version: int
    roadmap_id: UUID | None = None
    of: str = ""
    """The step that made it."""
    value: Any = None
    """What it made, as JSON."""
    schema: dict[str, Any] | None = None
    """The JSON Schema of that, and of what may be put in its place."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Until when a review is to be decided, and what happens then; None leaves it to settings."""

    due_hours: float | None = None
    on_expiry: ReviewExpiry | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Edited:
    """The next version that a reviewer's own edits make, what stores it, and what tells it."""

    title: str
    writes: tuple[RowWrite, ...] = ()
    events: tuple[EventDraft, ...] = ()
    total: int | None = None
    step: str | None = None
    """The step whose result is replaced; `output` becomes its newest checkpoint."""
    output: dict[str, Any] = field(default_factory=dict)


class Answer(Protocol):
    """A human's answer to a review, as far as the engine reads it."""

    @property
    def decision(self) -> Decision:
        """`approve`, `reject` or `edit`."""
        ...

    @property
    def feedback(self) -> str | None:
        """What a rejection wants changed."""
        ...

    @property
    def edits(self) -> Any:
        """The reviewer's own changes, in the workflow's shape."""
        ...

    @property
    def then(self) -> Then | None:
        """What follows own changes."""
        ...

    @property
    def looks_again(self) -> bool:
        """The edited version is to be reviewed once more."""
        ...

    @property
    def replaces(self) -> bool:
        """The changes are a whole value, to stand in the place of the one under review."""
        ...


@dataclass(frozen=True, slots=True)
class Approval:
    """The answer that lets a task go on as it is."""

    decision: Decision = Decision.APPROVE
    feedback: str | None = None
    edits: Any = None
    then: Then | None = None
    looks_again: bool = False
    replaces: bool = False


def check_known(definition: Definition, version: int, of: str) -> None:
    """See that it is known what a review of a task is about.

    Args:
        definition: The workflow, as it is known here.
        version: The one that the task is of.
        of: The step that is asked about; nothing where none of those known here can be it.

    Raises:
        ConflictError: The task is of a version that is not known here, and asks about a step which
            only that one has. A decision would be about nothing, and be asked for again.
    """
    if of or definition.reads(version):
        return
    raise ConflictError(
        f"The review is about a step of version {version} of {definition.name!r}, which is not"
        f" known here: this is version {definition.version}. Decide it where that is known."
    )
