"""A new task: what it is before it has a row, the row, and the first event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from core.authored import AuthoredError, call
from core.digest import digest
from core.errors import InvalidRequestError
from core.logging import get_logger
from core.request_shapes import storable
from core.states import Status, Step
from core.visible import cut
from db.facts import Fact
from db.models import RoadmapTask
from db.recorder import record_in
from db.task_changes import timestamp
from notifications.events import EventType
from workflow.drafts import draft
from workflow.limits import request_problem
from workflow.registry import definition_of, name_steps

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from pydantic import BaseModel
    from sqlalchemy import Table

    from db.facts import EventDraft, Reason
    from db.session import Transaction
    from workflow.definition import Definition

    Times = tuple[datetime | None, datetime | None]  # not before, not later

log = get_logger(__name__)

TASKS: Final = cast("Table", RoadmapTask.__table__)
_LONGEST_TITLE: Final = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTask:
    """A task that may become a row."""

    task_id: UUID
    user_id: str
    workflow: str
    version: int
    title: str
    body: dict[str, Any]
    asks_review: bool = True

    @classmethod
    def of(
        cls,
        definition: Definition,
        request: BaseModel,
        task_id: UUID,
        user_id: str,
        *,
        asks_review: bool = True,
    ) -> NewTask:
        """Return the task that a valid request asks for.

        Raises:
            InvalidRequestError: It fits its shape and cannot be stored all the same.
        """
        body = definition.stored_request(request)
        if (problem := request_problem(body)) is not None:
            raise InvalidRequestError(f"The request {problem}.")
        return cls(
            task_id=task_id,
            user_id=user_id,
            workflow=definition.name,
            version=definition.version,
            title=_title_of(definition, request),
            body=body,
            asks_review=asks_review,
        )

    @property
    def digest(self) -> str:
        """Names all that is asked for."""
        return digest(self.body if self.asks_review else [self.body, "no review"])


def _title_of(definition: Definition, request: BaseModel) -> str:
    """Return what people call a task; by its workflow, where the author's own title fails."""
    try:
        title = call(lambda: str(definition.title(request)).strip())
    except AuthoredError:
        log.exception("title_failed", workflow=definition.name)
        title = ""
    return cut(storable(title), _LONGEST_TITLE) or definition.name.replace("_", " ")


def with_review(definition: Definition, request: Any, review: bool | None) -> Any:  # noqa: FBT001
    """Return a request that says by itself whether a review is wanted, where it can say so."""
    says_so = "review" in definition.request.model_fields
    if review is None or not says_so or not isinstance(request, dict):
        return request
    return {**request, "review": review}


def row_of(new: NewTask) -> dict[str, Any]:
    """Return the columns of a new task's row."""
    return {
        "task_id": new.task_id,
        "user_id": new.user_id,
        "workflow": new.workflow,
        "title": new.title,
        "goal": new.title,
        "request": new.body,
        "status": str(Status.PENDING),
        "current_step": str(Step.QUEUED),
        "workflow_version": new.version,
        "request_digest": new.digest,
        "asks_review": new.asks_review,
    }


async def insert_task(
    tx: Transaction,
    new: NewTask,
    *,
    idempotency_key: str | None = None,
    times: Times = (None, None),
    delivered: bool = False,
) -> bool:
    """Store a task unless its id, or its key, is taken; return whether it is new.

    Args:
        tx: The transaction.
        new: The task.
        idempotency_key: As the user gave it.
        times: Before the first it does not begin, after the second it has failed.
        delivered: A worker has its message already, so nobody rings for it.
    """
    starts_at, expires_at = times
    await name_steps(tx, definition_of(new.workflow))
    statement = (
        insert(TASKS)
        .values(
            **row_of(new),
            idempotency_key=idempotency_key,
            starts_at=starts_at,
            expires_at=expires_at,
            rung_at=func.clock_timestamp() if delivered else None,  # a worker looks at it already
        )
        .on_conflict_do_nothing()
        .returning(TASKS.c.task_id)
    )
    return (await tx.session.execute(statement)).first() is not None


async def announce_queued(
    tx: Transaction,
    task_id: UUID,
    *,
    rings: Reason | None,
    starts_at: datetime | None = None,
) -> None:
    """Write a new task's first event, and ring for a worker if there is a reason to."""
    await record_in(tx, Fact(task_id=task_id, rings=rings, events=(queued(starts_at),)))


def queued(starts_at: datetime | None = None) -> EventDraft:
    """Return the event that a task was accepted."""
    waits = "for a worker" if starts_at is None else f"until {timestamp(starts_at)}"
    return draft(EventType.TASK_QUEUED, f"The task was accepted and waits {waits}")
