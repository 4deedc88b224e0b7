"""The facts of how a part ended: its row, what it cost, and the event that tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.states import ContentStatus
from db.facts import NOW, EventDraft, Fact
from notifications.events import EventType
from workflow.beginning import changed
from workflow.drafts import spent_data, stored_error

if TYPE_CHECKING:
    from core.errors import AppError
    from core.usage import Usage
    from db.facts import JsonText
    from notifications.event_data import PartTold
    from workflow.lease import Claim
    from workflow.parts import Wanted
    from workflow.step import Written


def part_made(
    claim: Claim,
    want: Wanted,
    *,
    told: PartTold,
    said: str,
    spent: Usage,
    written: Written,
    body: JsonText,
) -> Fact:
    """Return the fact that a part is there.

    Args:
        claim: The task.
        want: The part.
        told: What all events about it have in common.
        said: The event's sentence.
        spent: What it cost.
        written: What was made.
        body: Its body as it will be stored.
    """
    event = EventDraft(
        type=EventType.CONTENT_COMPLETED,
        message=said,
        data={**told, **spent_data(spent), "note": written.note},
    )
    row = changed(
        want,
        status=ContentStatus.COMPLETED,
        finished_at=NOW,
        body=body,
        **(want.spent + spent).columns(),
    )
    return Fact(
        task_id=claim.task_id,
        epoch=claim.epoch,
        done=1,
        usage=spent,
        progressed=True,
        rows=(row, *written.rows),
        events=(event,),
    )


def part_failed(
    claim: Claim, want: Wanted, *, told: PartTold, said: str, spent: Usage, error: AppError
) -> Fact:
    """Return the fact that a part cannot be made.

    Args:
        claim: The task.
        want: The part.
        told: What all events about it have in common.
        said: The event's sentence.
        spent: What it cost all the same.
        error: Why.
    """
    event = EventDraft(
        type=EventType.CONTENT_FAILED,
        message=said,
        data={**told, **spent_data(spent), "code": error.code, "error": error.message},
    )
    row = changed(
        want,
        status=ContentStatus.FAILED,
        finished_at=NOW,
        error=stored_error(error),
        **(want.spent + spent).columns(),
    )
    return Fact(
        task_id=claim.task_id,
        epoch=claim.epoch,
        failed=1,
        usage=spent,
        progressed=True,
        rows=(row,),
        events=(event,),
    )
