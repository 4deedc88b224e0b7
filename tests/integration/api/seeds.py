"""Rows as a workflow would have left them, without running one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from core.ids import new_id
from core.states import Status, Step
from db.facts import EventDraft, Fact
from db.recorder import record
from roadmaps.kinds import KINDS
from roadmaps.steps.names import RoadmapStep
from tests.factories import new_task

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

BODIES: dict[str, dict[str, Any]] = {
    "tutorial": {"markdown": "# Kites\n\n<script>alert(1)</script> [go](https://example.org)"},
    "resources": {
        "resources": [
            {
                "title": "Kites",
                "url": "https://example.org/kites",
                "type": "article",
                "language": "en",
                "why": "It is short.",
                "verified": True,
            },
            {
                "title": "Trap",
                "url": "javascript:alert(1)",
                "type": "article",
                "language": "en",
                "why": "It is a trap.",
                "verified": False,
            },
        ]
    },
    "quiz": {
        "questions": [
            {
                "question": "What flies?",
                "kind": "single",
                "options": ["A kite", "A stone"],
                "correct": [0],
                "explanation": "Stones fall.",
            }
        ]
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Seeded:
    """Ids of a seeded roadmap with one stage, one module and two concepts."""

    task_id: UUID
    roadmap_id: UUID
    concepts: tuple[UUID, UUID]


async def started(task_id: UUID) -> None:
    """Let a pending task be started by nobody in particular."""
    await move(task_id, "task_started", status=Status.PROCESSING, step=RoadmapStep.INTENT_ANALYSIS)


async def move(
    task_id: UUID,
    *types: str,
    status: Status | None = None,
    step: str | None = None,
    data: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Commit a fact with events of these types."""
    await record(
        Fact(
            task_id=task_id,
            status=status,
            step=step,
            changes=changes,
            events=tuple(
                EventDraft(type=type_, message=f"It is {type_}.", data=data or {})
                for type_ in types
            ),
        )
    )


async def emit(task_id: UUID, count: int) -> None:
    """Commit that many events, one fact each."""
    for number in range(count):
        await move(
            task_id,
            "step_started",
            status=Status.PROCESSING,
            step=RoadmapStep.CURRICULUM_DESIGN,
            data={"step": "curriculum_design", "round": number + 1},
        )


async def ended(task_id: UUID) -> None:
    """Let a processing task fail."""
    await move(
        task_id,
        "task_failed",
        status=Status.FAILED,
        step=RoadmapStep.CURRICULUM_DESIGN,
        data={"code": "provider_error", "error": "It broke.", "step": "curriculum_design"},
        error={"code": "provider_error", "message": "It broke.", "step": "curriculum_design"},
    )


async def retried(task_id: UUID) -> None:
    """Let a terminal task be tried again."""
    await move(
        task_id,
        "task_retried",
        status=Status.PROCESSING,
        step=Step.RESUMING,
        data={"attempt": 2, "contents": 0},
        attempt=2,
    )


async def failed_task(*, user: str = "alice") -> UUID:
    """Return a task of three events: queued, started, failed."""
    task_id = await new_task(user=user)
    await started(task_id)
    await ended(task_id)
    return task_id


async def roadmap(connection: asyncpg.Connection, *, user: str = "alice") -> Seeded:
    """Return a partly failed roadmap: the second concept's quiz failed in its newest version."""
    task_id = await new_task(user=user)
    await started(task_id)
    seeded = Seeded(task_id=task_id, roadmap_id=new_id(), concepts=(new_id(), new_id()))
    await _structure(connection, seeded, user)
    for concept_id in seeded.concepts:
        for kind in KINDS:
            await content(connection, seeded, concept_id, kind)
    await content(connection, seeded, seeded.concepts[1], "quiz", version=2, failed=True)
    await move(
        task_id,
        "task_partially_failed",
        status=Status.PARTIAL_FAILURE,
        step=RoadmapStep.CONTENT_GENERATION,
        data={"completed": 5, "failed": 1},
        roadmap_id=seeded.roadmap_id,
        total=6,
        done=5,
    )
    return seeded


async def review(connection: asyncpg.Connection, *, user: str = "alice", rounds: int = 1) -> Seeded:
    """Return a task that waits for a decision, in the given round."""
    task_id = await new_task(review=True, user=user)
    await started(task_id)
    seeded = Seeded(task_id=task_id, roadmap_id=new_id(), concepts=(new_id(), new_id()))
    await _structure(connection, seeded, user, version=rounds)
    await move(
        task_id,
        "step_completed",
        status=Status.PROCESSING,
        step=RoadmapStep.STRUCTURE_VALIDATION,
        roadmap_id=seeded.roadmap_id,
        data={
            "step": "structure_validation",
            "round": 1,
            "duration_s": 0.1,
            "calls": 0,
            "tokens": 0,
            "issues": ["The way is long."],
        },
    )
    for number in range(1, rounds + 1):
        is_open = number == rounds
        await connection.execute(
            "INSERT INTO reviews (review_id, task_id, round, version, status, due_at, decision)"
            " VALUES ($1, $2, $3, $3, $4, $5, $6)",
            new_id(),
            task_id,
            number,
            "open" if is_open else "decided",
            datetime.now(UTC) + timedelta(hours=24),
            None if is_open else "reject",
        )
    await move(
        task_id, "review_required", status=Status.HUMAN_REVIEW_PENDING, step=Step.HUMAN_REVIEW
    )
    return seeded


async def _structure(
    connection: asyncpg.Connection, seeded: Seeded, user: str, *, version: int = 1
) -> None:
    stage_id, module_id = new_id(), new_id()
    await connection.execute(
        "INSERT INTO roadmaps (roadmap_id, task_id, user_id, title, summary, language, version)"
        " VALUES ($1, $2, $3, 'Kites', 'All about kites.', 'en', $4)",
        seeded.roadmap_id,
        seeded.task_id,
        user,
        version,
    )
    await connection.execute(
        "INSERT INTO stages (stage_id, roadmap_id, position, title) VALUES ($1, $2, 0, 'Stage')",
        stage_id,
        seeded.roadmap_id,
    )
    await connection.execute(
        "INSERT INTO modules (module_id, stage_id, position, title) VALUES ($1, $2, 0, 'Module')",
        module_id,
        stage_id,
    )
    for position, concept_id in enumerate(seeded.concepts):
        await connection.execute(
            "INSERT INTO concepts (concept_id, roadmap_id, module_id, position, title,"
            " description, estimated_hours, difficulty, prerequisites)"
            " VALUES ($1, $2, $3, $4, $5, 'About it.', 2, 'beginner', $6)",
            concept_id,
            seeded.roadmap_id,
            module_id,
            position,
            f"Concept {position + 1}",
            list(seeded.concepts[:position]),
        )
    await connection.execute(
        "INSERT INTO concepts (concept_id, roadmap_id, position, title, description,"
        " estimated_hours, difficulty, removed)"
        " VALUES ($1, $2, 0, 'Removed', '', 1, 'beginner', true)",
        new_id(),
        seeded.roadmap_id,
    )
    for number in range(1, version + 1):
        outline = {
            "title": "Kites",
            "summary": "All about kites.",
            "stages": [
                {
                    "stage_id": str(stage_id),
                    "title": "Stage",
                    "modules": [
                        {
                            "module_id": str(module_id),
                            "title": "Module",
                            "concepts": [
                                {
                                    "concept_id": str(seeded.concepts[0]),
                                    "title": f"Concept in version {number}",
                                    "description": "About it.",
                                    "estimated_hours": 2,
                                    "difficulty": "beginner",
                                    "prerequisites": [],
                                }
                            ],
                        }
                    ],
                }
            ],
        }
        await connection.execute(
            "INSERT INTO outlines (roadmap_id, version, origin, outline)"
            " VALUES ($1, $2, 'design', $3)",
            seeded.roadmap_id,
            number,
            orjson.dumps(outline).decode(),
        )


async def content(
    connection: asyncpg.Connection,
    seeded: Seeded,
    concept_id: UUID,
    kind: str,
    *,
    version: int = 1,
    failed: bool = False,
    body: dict[str, Any] | None = None,
) -> None:
    """Add one version of one content."""
    error = {"code": "content_refused", "message": "No."} if failed else None
    await connection.execute(
        "INSERT INTO contents (content_id, roadmap_id, concept_id, kind, version, status,"
        " input_digest, body, error) VALUES ($1, $2, $3, $4, $5, $6, 'd', $7, $8)",
        new_id(),
        seeded.roadmap_id,
        concept_id,
        kind,
        version,
        "failed" if failed else "completed",
        None if failed else orjson.dumps(body or BODIES[kind]).decode(),
        None if error is None else orjson.dumps(error).decode(),
    )


async def notification(
    connection: asyncpg.Connection, task_id: UUID, *, user: str = "alice", key: UUID | None = None
) -> UUID:
    """Add an entry to a user's inbox."""
    key = key or new_id()
    await connection.execute(
        "INSERT INTO notifications (notification_id, user_id, task_id, kind, message)"
        " VALUES ($1, $2, $3, 'task_failed', 'It broke.')",
        key,
        user,
        task_id,
    )
    return key
