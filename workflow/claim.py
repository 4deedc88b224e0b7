"""A task that this process holds: what it was when it was taken, and how it is given back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from core import telemetry
from core.errors import (
    InvalidRequestError,
    PlanError,
    TaskExpiredError,
    UnreadableRecordError,
)
from core.logging import get_logger
from core.settings import get_settings
from core.states import RESERVED, Status, Step
from core.usage import Usage
from db.facts import Fact, Reason
from db.life import life
from db.recorder import record
from notifications.events import EventType
from workflow.budget import Budget
from workflow.drafts import draft
from workflow.registry import definition_of
from workflow.stored import reading
from workflow.trying import as_ours

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.facts import EventDraft, RowWrite
    from db.ledger import TaskRow
    from workflow.definition import Definition
    from workflow.history import Done

log = get_logger(__name__)

_PLANNED: Final = frozenset({Step.HUMAN_REVIEW, Step.COMPLETED})
"""What a plan may name besides the workflow's own steps."""
_TOOK_OVER: Final = (
    "A worker took over: the one before was lost, or the database did not answer it for long"
)


class Stop(StrEnum):
    """Why a workflow is stopped from outside."""

    LOST = "lost"
    AWAY = "away"
    """The database did not answer for as long as the lease, so others may have taken over."""
    DRAIN = "drain"


@dataclass(slots=True)
class Claim:
    """A task that this process holds, and what it was when it was taken."""

    task_id: UUID
    epoch: int
    user_id: str
    definition: Definition
    request: Any
    """In the shape of the workflow's request model."""
    history: list[Done]
    budget: Budget
    asks_review: bool = True
    """Whether its reviews are asked; else each is taken as approved."""
    title: str = ""
    """What people call the task."""
    attempt: int = 1
    """1, and one more with each retry."""
    worker: str = ""
    kept: dict[str, Any] = field(default_factory=dict, repr=False)
    """What its steps leave in memory for those that follow."""
    continues: str | None = None
    """Where in which trace the task was worked on before."""
    stop: Stop | None = None
    fresh: bool = False
    """Nobody had it before, so nothing was made of its parts."""
    stopped: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def workflow(self) -> str:
        """The name of what it runs."""
        return self.definition.name

    def next_step(self, *, then: Done | None = None) -> str:
        """Return the step that follows this claim's history, and one more step if given.

        Raises:
            PlanError: It is a step that the workflow does not have.
        """
        history = self.history if then is None else [*self.history, then]
        step = str(self.definition.next_step(history, self.request))
        if step not in _PLANNED and step not in self.definition.stages.steps:
            raise PlanError(
                f"The plan of {self.workflow!r} names the step {step[:80]!r}, which it does not"
                " have; mend it, then retry the task."
            )
        return step


def request_of(row: TaskRow, definition: Definition) -> Any:
    """Return what a task that is about to be taken asks for.

    Raises:
        TaskExpiredError: It was to have begun by now.
        InvalidRequestError: What is stored does not fit.
    """
    if row.expired:
        raise TaskExpiredError
    try:
        return definition.asked(row)
    except UnreadableRecordError as error:
        raise InvalidRequestError(error.message) from None


def taken(
    row: TaskRow, worker: str, request: Any, history: list[Done], rows: Sequence[RowWrite] = ()
) -> tuple[Claim, Fact]:
    """Return the claim on a locked task, and the fact that it was taken.

    Args:
        row: The task's.
        worker: Who takes it.
        request: What it asks for.
        history: Its finished steps.
        rows: What stores them as this version knows them, where another one wrote them.

    Raises:
        AppError: The plan cannot say what is to be done first.
    """
    taken_over, held = row.lease_until is not None, life().held
    definition = definition_of(row.workflow)
    claim = Claim(
        task_id=row.task_id,
        epoch=row.epoch + 1,
        user_id=row.user_id,
        definition=definition,
        request=request,
        history=history,
        asks_review=row.asks_review,
        budget=Budget(Usage.of(row), definition.budget_tokens),
        title=row.title or row.goal,
        attempt=row.attempt,
        worker=worker,
        continues=row.traceparent,
        fresh=row.started_at is None,
    )
    step = _planned(claim)
    fact = Fact(
        task_id=row.task_id,
        status=Status.PROCESSING,
        step=Step.RESUMING if step in RESERVED else step,
        changes={
            "epoch": claim.epoch,
            "lease_owner": worker,
            "lease_until": row.now + timedelta(seconds=get_settings().lease_s),
            "life": held,
            "life_epoch": None if held is None else claim.epoch,
            "losses": row.losses + taken_over,
            "recovered": False,
            "deferred_at": None,
            "traceparent": telemetry.position(),
            "started_at": row.started_at or row.now,
            **({"workflow_version": definition.version} if rows else {}),
        },
        rows=tuple(rows),
        events=tuple(_taken_events(row, recovered=taken_over or row.recovered)),
    )
    return claim, fact


def _planned(claim: Claim) -> str:
    """Return what is to be done first.

    Raises:
        UnreadableRecordError: The plan understands nothing of what is stored.
        PlanError: It names no step.
        UnexpectedError: It raised something else.
    """
    try:
        with reading("its finished steps"):
            return claim.next_step()
    except Exception as error:
        raise as_ours(error) from error


def _taken_events(row: TaskRow, *, recovered: bool) -> list[EventDraft]:
    events = []
    if row.started_at is None:
        events.append(draft(EventType.TASK_STARTED, "A worker started the task"))
    if recovered:
        events.append(draft(EventType.TASK_RECOVERED, _TOOK_OVER))
    return events


async def release(claim: Claim) -> None:
    """Give a task back unfinished, and ask for another worker, so that it goes on at once.

    The epoch is raised, so that nothing of this run can be written any more.

    Raises:
        LeaseLostError: It was not ours any more.
    """
    await record(
        Fact(
            task_id=claim.task_id,
            epoch=claim.epoch,
            step=Step.RESUMING,
            changes={"lease_owner": None, "lease_until": None, "epoch": claim.epoch + 1},
            rings=Reason.RESUME,
        )
    )
    log.info("lease_released", task_id=str(claim.task_id), epoch=claim.epoch)
