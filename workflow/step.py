"""What a step of a workflow is, as the engine sees it.

It ends in one checkpoint, or it makes parts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from notifications.event_data import part_told

if TYPE_CHECKING:
    from uuid import UUID

    from db.facts import EventDraft, RowWrite
    from notifications.event_data import PartTold
    from workflow.asking import Asking
    from workflow.history import Done
    from workflow.parts import Need, Wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class StepContext:
    """All that a step may look at; it changes nothing by itself."""

    task_id: UUID
    user_id: str
    request: Any
    """In the shape of the workflow's request model."""
    history: Sequence[Done]
    asking: Asking
    kept: dict[str, Any] = field(default_factory=dict)
    """What steps leave in memory for those that follow in the same run; gone with the run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """What a step gave: committed together as its checkpoint, rows and events."""

    output: dict[str, Any]
    input_digest: str
    summary: str
    """One sentence for people."""
    rows: tuple[RowWrite, ...] = ()
    events: tuple[EventDraft, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Columns of the task's row, such as its title."""
    total: int | None = None
    """Parts to be made, where that is known now."""
    issues: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StepOptions:
    """How a step runs, where that is not as in every other one.

    Attributes:
        timeout_s: Limit of the step, or of each of its parts; STEP_TIMEOUT_S when None. Each try
            has its own, and waits are not counted.
        share: Its share of the whole in the progress, 0 to 1.
        retries: How often the step, or a part, is tried again after anything that may pass. When
            None, it is tried again only when it says so by raising `Retryable`.
        concurrency: Keys that are worked on at a time; CONTENT_CONCURRENCY when None.
        needs: The share of all parts made so far that must be there for this step to run; with
            less, the task ends. When None, what the step with the parts says counts.
        needs_of: The steps whose parts count for that; all when None.
    """

    timeout_s: float | None = None
    share: float | None = None
    retries: int | None = None
    concurrency: int | None = None
    needs: float | None = None
    needs_of: frozenset[str] | None = None

    def counts(self, step: str) -> bool:
        """Tell whether the parts of a step count for what this one needs."""
        return self.needs_of is None or step in self.needs_of


StepBody = Callable[[Any], Awaitable[StepResult]]
"""Takes the workflow's own context, a `StepContext` or more."""


@dataclass(frozen=True, slots=True)
class Written:
    """A part's body, and the code of what could not be done for it, if anything."""

    body: dict[str, Any]
    note: str | None = None
    rows: tuple[RowWrite, ...] = ()
    """Further rows, committed with it."""


class PartsStep(ABC):
    """A step that makes parts, each of which succeeds or fails on its own."""

    noun: ClassVar[str] = "part"
    """What one of them is called in sentences for people."""
    needs: float = 1.0
    """The share that must be there for the steps that follow; with less, the task ends here."""
    heeds_cancellation: ClassVar[bool] = False
    """Whether what makes a part ends as soon as it is cancelled, whatever it is doing then. An
    author's function may not, and gets an asyncio task that can be left behind."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of parts that a key may have, new ones included."""
        return ()

    @property
    def by_kind(self) -> bool:
        """What a key has is told by kind: the author declared kinds."""
        return len(self.kinds) > 1

    @abstractmethod
    async def list(self, context: Any) -> Sequence[Need]:
        """Return all parts that there should be, with what each is made from."""

    @abstractmethod
    def make(self, task_id: UUID, want: Wanted, asking: Asking) -> Awaitable[Written]:
        """Make one part; what is returned is awaited in an asyncio task of its own.

        Raises:
            AppError: It cannot be made; its code and message are shown to people.
        """

    def told(self, want: Wanted) -> PartTold:
        """Return what events tell of a part."""
        need = want.need
        return part_told(
            step=want.step, key=need.key, kind=need.kind, title=need.title, version=want.version
        )

    def making(self, want: Wanted) -> str:
        """Return the sentence that a part's making began."""
        return f"Making the {want.need.kind} of '{want.need.title}'"

    def ready(self, want: Wanted, written: Written) -> str:  # noqa: ARG002 - for those who override
        """Return the sentence that a part is there."""
        return f"The {want.need.kind} of '{want.need.title}' is ready"

    def failed(self, want: Wanted, reason: str) -> str:
        """Return the sentence that a part cannot be made."""
        return f"The {want.need.kind} of '{want.need.title}' failed: {reason}"

    def complete(self, want: Wanted) -> EventDraft | None:  # noqa: ARG002 - ditto
        """Return the event that all kinds of a key are there, told with the last one."""
        return None
