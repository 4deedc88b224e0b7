"""What a reviewer's own edits make of the version under review."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from core.errors import ConflictError, InvalidRequestError
from db.models import Outline as OutlineVersion
from roadmaps.checks import check_structure
from roadmaps.edits import apply_edits
from roadmaps.outline import Outline
from roadmaps.outline_rows import next_version
from roadmaps.requests import Edit, ReviewDecision, TaskRequest
from roadmaps.steps.curriculum_design import contents_of, roadmap_ready
from workflow import Edited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.ledger import TaskRow
    from db.models import Review


async def edited_version(
    session: AsyncSession, row: TaskRow, review: Review, decision: ReviewDecision
) -> Edited | None:
    """Return the next version made by the reviewer's own edits; None for other decisions.

    Raises:
        ConflictError: The version under review is not there.
        InvalidRequestError: The edits do not fit, or break what was in order before.
    """
    if not decision.edits:
        return None
    stored = await session.get(OutlineVersion, (row.roadmap_id, review.version))
    if stored is None:
        raise ConflictError("The roadmap under review cannot be found.")
    hours = TaskRequest.model_validate(row.request).preferences.hours_per_week
    # in a thread: hundreds of edits to hundreds of concepts would block the loop
    before, after = await asyncio.to_thread(
        _carried_out, stored.outline, decision.edits, hours_per_week=hours
    )
    version = review.version + 1
    return Edited(
        title=after.title,
        writes=next_version(
            before, after, roadmap_id=row.roadmap_id, version=version, origin="review"
        ),
        events=(roadmap_ready(row.roadmap_id, version, after),),
        total=contents_of(after),
    )


def _carried_out(
    stored: dict[str, Any], edits: Sequence[Edit], *, hours_per_week: int
) -> tuple[Outline, Outline]:
    """Return an outline before and after a reviewer's edits.

    Raises:
        InvalidRequestError: The edits do not fit, or break what was in order before.
    """
    before = Outline.model_validate(stored)
    after = apply_edits(before, edits)
    known, found = (
        check_structure(part, hours_per_week=hours_per_week) for part in (before, after)
    )
    if len(found) > len(known):  # what was wrong before may stay, even under another title
        told = {issue.message for issue in known}
        new = [issue for issue in found if issue.message not in told] or found
        raise InvalidRequestError(f"These edits break the roadmap: {new[0].message}")
    return before, after
