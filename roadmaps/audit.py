"""What only a roadmap's tasks can have wrong, and the shapes of what its steps store."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import select

from db.facts import Fact
from db.models import Outline as OutlineVersion
from db.models import Roadmap, RoadmapTask
from db.recorder import record_in
from roadmaps.kinds import KINDS
from roadmaps.outline import Outline
from roadmaps.outputs import EditPlan, IntentAnalysis, Issue
from roadmaps.requests import Edit
from roadmaps.steps.names import RoadmapStep
from workflow import RESTORE, AuditRules, FindingKind, Look, Meaning

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Select

    from db.ledger import TaskRow
    from db.session import Transaction

OUTLINES_AT_A_TIME: Final = 50


class RoadmapKind(StrEnum):
    """What only a roadmap can have wrong."""

    ROADMAP_LINK = "roadmap_link"
    CONTENT_ELSEWHERE = "content_elsewhere"
    OUTLINE_MISSING = "outline_missing"
    OUTLINE_SHAPE = "outline_shape"


_MEANINGS: Final[dict[str, Meaning]] = {
    RoadmapKind.ROADMAP_LINK: Meaning(
        means="The task and its roadmap do not point to each other; the roadmap cannot be read.",
        mended="The task points to the roadmap that was made for it, if there is one.",
        advice=f"{RESTORE}, or submit the goal anew.",
    ),
    RoadmapKind.CONTENT_ELSEWHERE: Meaning(
        means="A content names another roadmap than its concept does.",
        advice="Set its roadmap_id by hand to that of the concept.",
    ),
    RoadmapKind.OUTLINE_MISSING: Meaning(
        means="The structure of the roadmap's current version is not stored; a retry fails.",
        advice=f"{RESTORE}, or submit the goal anew.",
    ),
    RoadmapKind.OUTLINE_SHAPE: Meaning(
        means="A version's structure cannot be read.",
        advice=f"{RESTORE}, or submit the goal anew.",
    ),
}
_RULES: Final[dict[str, str]] = {
    RoadmapKind.ROADMAP_LINK: """
        SELECT batch.task_id, format('the task names roadmap %s, the roadmap made for it is %s',
            coalesce(batch.roadmap_id::text, 'none'), coalesce(made.roadmap_id::text, 'missing'))
        FROM batch LEFT JOIN roadmaps made ON made.task_id = batch.task_id
        WHERE batch.roadmap_id IS DISTINCT FROM made.roadmap_id
    """,
    RoadmapKind.CONTENT_ELSEWHERE: """
        SELECT task_id, format('content %s', p.content_id)
        FROM batch JOIN parts p USING (task_id) JOIN concepts c USING (concept_id)
        WHERE c.roadmap_id <> p.roadmap_id
    """,
    RoadmapKind.OUTLINE_MISSING: """
        SELECT batch.task_id, format('version %s', r.version)
        FROM batch JOIN roadmaps r ON r.task_id = batch.task_id
        WHERE NOT EXISTS (SELECT FROM outlines o
            WHERE o.roadmap_id = r.roadmap_id AND o.version = r.version)
    """,
    FindingKind.OWNER_DIFFERS: """
        SELECT batch.task_id, 'the roadmap has another owner'
        FROM batch JOIN roadmaps r ON r.task_id = batch.task_id WHERE r.user_id <> batch.user_id
    """,
}


class _Version(BaseModel):
    version: int


class _Validation(_Version):
    valid: bool
    issues: list[Issue]


class _Plan(EditPlan):
    source: str
    feedback: str


def _outlines(task_ids: Sequence[UUID]) -> Select[Any]:
    return (
        select(RoadmapTask.task_id, OutlineVersion.outline)
        .join(OutlineVersion, OutlineVersion.roadmap_id == RoadmapTask.roadmap_id)
        .where(RoadmapTask.task_id.in_(task_ids))
    )


def _read_outline(row: Any) -> None:
    Outline.model_validate(row.outline)


async def _link(tx: Transaction, row: TaskRow) -> str | None:
    made = await tx.session.scalar(select(Roadmap.roadmap_id).where(Roadmap.task_id == row.task_id))
    if made is None:
        return None
    await record_in(tx, Fact(task_id=row.task_id, changes={"roadmap_id": made}))
    return f"points to roadmap {made}"


AUDIT: Final = AuditRules(
    meanings=_MEANINGS,
    rules=_RULES,
    looks=(
        Look(
            kind=RoadmapKind.OUTLINE_SHAPE,
            rows=_outlines,
            at_a_time=OUTLINES_AT_A_TIME,
            check=_read_outline,
        ),
    ),
    outputs={
        RoadmapStep.INTENT_ANALYSIS: IntentAnalysis,
        RoadmapStep.CURRICULUM_DESIGN: _Version,
        RoadmapStep.STRUCTURE_VALIDATION: _Validation,
        RoadmapStep.EDIT_PLAN_ANALYSIS: _Plan,
        RoadmapStep.ROADMAP_EDIT: _Version,
    },
    bodies={kind.name: kind.body for kind in KINDS.values()},
    edits=TypeAdapter(list[Edit]),
    links=(
        ("roadmaps", "task_id", "roadmap_tasks"),
        ("outlines", "roadmap_id", "roadmaps"),
        ("stages", "roadmap_id", "roadmaps"),
        ("modules", "stage_id", "stages"),
        ("concepts", "roadmap_id", "roadmaps"),
        ("concepts", "module_id", "modules"),
        ("parts", "roadmap_id", "roadmaps"),
        ("parts", "concept_id", "concepts"),
    ),
    mends={RoadmapKind.ROADMAP_LINK: _link},
)
