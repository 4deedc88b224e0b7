"""The review that waits for a decision, of any workflow: what is asked, and until when."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID  # noqa: TC003 - pydantic reads it

from pydantic import ConfigDict, Field
from sqlalchemy import func, select

from core.choices import ReviewExpiry
from core.errors import NotFoundError, PlanError, UpgradeError
from core.settings import get_settings
from core.states import ReviewStatus
from db.models import Review, RoadmapTask
from db.session import read_session
from watching.queries.shapes import Moment, View
from workflow.checkpoints import finished_steps
from workflow.registry import definition_of
from workflow.under_review import check_known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor
    from workflow.definition import Definition
    from workflow.history import Done
    from workflow.under_review import UnderReview


class OpenReviewView(View):
    """A review that waits for a decision."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    review_id: UUID
    task_id: UUID
    workflow: str
    round: int
    version: int
    created_at: Moment
    due_at: Moment
    overdue: bool
    on_expiry: ReviewExpiry = Field(description="What happens when nobody decides in time.")
    of: str = Field(description="The step that made what is under review.")
    value: Any = Field(
        description="What it made; null for a roadmap, whose structure is at `roadmap`."
    )
    schema_: dict[str, Any] | None = Field(
        alias="schema", description="JSON Schema of the value, and of what may replace it."
    )
    previous: Any = Field(
        description="What it had made when the round before, or `since`, was asked; null in the"
        " first."
    )


async def open_review(task_id: UUID, *, actor: Actor, since: int | None = None) -> OpenReviewView:
    """Return the review that waits for a decision.

    Args:
        task_id: Whose review.
        actor: Who asks.
        since: The round to compare with; by default the one before.

    Raises:
        NotFoundError: The task has no open review, or it belongs to somebody else.
        ConflictError: It is about a step that only another version of the workflow knows.
    """
    overdue = (Review.due_at < func.clock_timestamp()).label("overdue")
    statement = (
        select(Review, RoadmapTask, overdue)
        .join(RoadmapTask, RoadmapTask.task_id == Review.task_id)
        .where(Review.task_id == task_id)
        .order_by(Review.round.desc())
        .limit(1)
    )
    async with read_session() as session:
        found = (await session.execute(statement)).one_or_none()
        if found is None or not actor.may_see(found.RoadmapTask.user_id):
            raise NotFoundError(f"Task {task_id} has no open review.")
        review: Review = found.Review
        if review.status != ReviewStatus.OPEN:
            by = f" ({review.decision} by {review.decided_by})" if review.decision else ""
            raise NotFoundError(
                f"Task {task_id} has no open review; the last one was already {review.status}{by}."
            )
        asked = await _asked(session, found.RoadmapTask, review, since)
    return OpenReviewView(
        review_id=review.review_id,
        task_id=task_id,
        workflow=found.RoadmapTask.workflow,
        round=review.round,
        version=review.version,
        created_at=review.created_at,
        due_at=review.due_at,
        overdue=found.overdue,
        on_expiry=ReviewExpiry(review.on_expiry or get_settings().review_on_expiry),
        **asked,
    )


async def _asked(
    session: AsyncSession, row: Any, review: Review, since: int | None
) -> dict[str, Any]:
    definition = definition_of(row.workflow)
    history = await finished_steps(session, row.task_id)
    subject, told = await _subject(session, row, definition, history)
    check_known(definition, row.workflow_version, subject.of)
    rounds = review.round - 1 if since is None else min(since, review.round - 1)
    before = _before(definition, told, subject.of, back=review.round - rounds) if rounds else None
    return {
        "of": subject.of,
        "value": subject.value,
        "schema_": subject.schema,
        "previous": None if subject.value is None else before,
    }


async def _subject(
    session: AsyncSession, row: Any, definition: Definition, history: Sequence[Done]
) -> tuple[UnderReview, Sequence[Done]]:
    """Return what is under review, and the finished steps in the same version's words.

    A task of an earlier version is shown as this one takes it over, since that is decided about;
    but not where that makes another step of the reviewed one, or none.
    """
    translated = None
    if row.workflow_version != definition.version:
        with suppress(UpgradeError):  # whoever decides is told of it
            translated = definition.upgraded(history, from_version=row.workflow_version)
    if translated is None:
        return await definition.under_review(session, row, history), history
    now = await definition.under_review(session, row, translated)
    with suppress(PlanError):
        seen = await definition.under_review(session, row, history)
        if seen.of not in {"", now.of}:
            return seen, history
    return now, translated


def _before(definition: Definition, history: Sequence[Done], of: str, *, back: int) -> Any:
    """Return what a step gave so many times before the last."""
    if of in definition.parts:
        return None  # earlier versions of each part are at its own address
    given = [done.output for done in history if done.step == of]
    return definition.result_value(of, given[-1 - back]) if len(given) > back else None
