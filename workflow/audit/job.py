"""`maintenance.audit`: a part of the whole at each run, so that it never takes long."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ValidationError

from core.jobs import JobName
from core.logging import get_logger
from db.models import Schedule
from db.session import read_session
from workflow.audit.examine import Findings, examine

log = get_logger(__name__)

BUDGET_S: Final = 3.0
"""How long one run looks; the next one, ten minutes later, goes on where it stopped. However much
there is, a stack that has nothing else to do is busy with it for a two-hundredth of its time."""
EXAMPLES: Final = 5
JOB: Final = JobName.AUDIT


async def audit(*, budget_s: float = BUDGET_S) -> dict[str, Any]:
    """Look on from where the last run stopped, and report; nothing is changed.

    Returns:
        `complete` when everything was looked at since the pass began, `tasks` looked at in this
        pass, `findings` by kind, up to `EXAMPLES` ids of each, and `next_after`, where the next run
        goes on; None when it begins anew.
    """
    found, examples, after = await _last()
    deadline = time.monotonic() + budget_s
    complete = True
    async with aclosing(examine(after=after)) as pages:
        async for page in pages:
            found.add(page)
            after = page.after
            if page.tasks and time.monotonic() > deadline:
                complete = False
                break
    for finding in found.kept:
        known = examples.setdefault(str(finding.kind), [])
        if len(known) < EXAMPLES and str(finding.key) not in known:
            known.append(str(finding.key))
    counts = {str(kind): count for kind, count in sorted(found.counts.items())}
    if counts:
        log.error("audit_found_contradictions", **counts, remedy="roadmap db check --repair")
    return {
        "complete": complete,
        "tasks": found.tasks,
        "findings": counts,
        "examples": examples,
        "next_after": None if complete or after is None else str(after),
    }


class _Unfinished(BaseModel):
    tasks: int
    findings: dict[str, int]
    examples: dict[str, list[str]]
    next_after: UUID


async def _last() -> tuple[Findings, dict[str, list[str]], UUID | None]:
    """Return what an unfinished pass has found so far, and where it goes on."""
    async with read_session() as session:
        schedule = await session.get(Schedule, JOB)
    try:
        last = _Unfinished.model_validate(None if schedule is None else schedule.outcome)
    except ValidationError:  # it was complete, or is of another version
        return Findings(), {}, None
    found = Findings(tasks=last.tasks)
    found.counts.update(last.findings)
    return found, last.examples, last.next_after
