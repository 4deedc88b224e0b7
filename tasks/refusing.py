"""Sets a message aside that was good to take, and turned out to ask for nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.rejection import Reason
from tasks.queues import RINGS
from worker.intake.excerpt import excerpt_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worker import Delivery


async def refuse(delivery: Delivery, arguments: Mapping[str, Any], detail: str) -> None:
    """Show a message under `roadmap queue rejected`.

    Args:
        delivery: Of the message.
        arguments: What it brought along.
        detail: What is wrong with it, in a sentence.
    """
    from worker.intake.store import REJECTED, Rejected, write  # late: see that module

    REJECTED.labels(Reason.ARGUMENTS).inc()
    raw = json.dumps({"task": delivery.name, "id": delivery.id, "kwargs": arguments}, default=str)
    message = Rejected(
        at=datetime.now(UTC),
        queue=RINGS,
        reason=Reason.ARGUMENTS,
        detail=detail,
        size=len(raw),
        excerpt=excerpt_of(raw),
        worker=delivery.worker,
    )
    await write([message], {Reason.ARGUMENTS: 1})
