"""An outline's versions as rows: read, inserted once, then rewritten where an edit touched them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from sqlalchemy import select

from db.facts import NOW, Delete, Insert, RowWrite, Update
from db.models import Concept, Module, Roadmap, Stage
from db.models import Outline as OutlineVersion

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncSession

    from roadmaps.outline import ConceptNode, Outline

ROADMAPS: Final = cast("Table", Roadmap.__table__)
OUTLINES: Final = cast("Table", OutlineVersion.__table__)
STAGES: Final = cast("Table", Stage.__table__)
MODULES: Final = cast("Table", Module.__table__)
CONCEPTS: Final = cast("Table", Concept.__table__)


async def roadmap_of(session: AsyncSession, task_id: UUID) -> Roadmap | None:
    """Return the task's roadmap, if it was designed already."""
    return (await session.scalars(select(Roadmap).where(Roadmap.task_id == task_id))).one_or_none()


async def stored_outline(
    session: AsyncSession, roadmap_id: UUID, version: int
) -> dict[str, Any] | None:
    """Return one version's structure as it was stored."""
    row = await session.get(OutlineVersion, (roadmap_id, version))
    return None if row is None else row.outline


def first_version(
    outline: Outline, *, roadmap_id: UUID, task_id: UUID, user_id: str, language: str
) -> tuple[RowWrite, ...]:
    """Return the rows of a new roadmap."""
    head = Insert(
        ROADMAPS,
        {
            "roadmap_id": roadmap_id,
            "task_id": task_id,
            "user_id": user_id,
            "title": outline.title,
            "summary": outline.summary,
            "language": language,
            "version": 1,
        },
    )
    return (head, *_version(outline, roadmap_id, 1, "design"), *_changes(None, outline, roadmap_id))


def next_version(
    before: Outline, after: Outline, *, roadmap_id: UUID, version: int, origin: str
) -> tuple[RowWrite, ...]:
    """Return what turns the rows of one version into those of the next.

    A removed concept's row stays, out of sight, so that its contents are not lost.
    """
    head = Update(
        ROADMAPS,
        {"roadmap_id": roadmap_id},
        {"title": after.title, "summary": after.summary, "version": version, "updated_at": NOW},
    )
    return (
        head,
        *_version(after, roadmap_id, version, origin),
        *_changes(before, after, roadmap_id),
    )


def _version(outline: Outline, roadmap_id: UUID, version: int, origin: str) -> tuple[RowWrite, ...]:
    values = {
        "roadmap_id": roadmap_id,
        "version": version,
        "origin": origin,
        "outline": outline.model_dump(mode="json"),
    }
    return (Insert(OUTLINES, values),)


Rows = dict[str, dict[str, Any]]


def _changes(before: Outline | None, after: Outline, roadmap_id: UUID) -> list[RowWrite]:
    old = ({}, {}, {}) if before is None else _rows(before)
    new = _rows(after)
    writes: list[RowWrite] = []
    tables = ((STAGES, "stage_id"), (MODULES, "module_id"), (CONCEPTS, "concept_id"))
    for (table, key), was, now in zip(tables, old, new, strict=True):
        fixed = {} if table is MODULES else {"roadmap_id": roadmap_id}
        for part, values in now.items():
            if part not in was:
                writes.append(Insert(table, {key: UUID(part), **fixed, **values}))
            elif values != was[part]:
                writes.append(Update(table, {key: UUID(part)}, values))
    gone_stages, gone_modules, gone_concepts = (
        [UUID(part) for part in was if part not in now] for was, now in zip(old, new, strict=True)
    )
    hidden = {"module_id": None, "removed": True}
    writes += [Update(CONCEPTS, {"concept_id": part}, hidden) for part in gone_concepts]
    writes += [Delete(MODULES, {"module_id": part}) for part in gone_modules]
    writes += [Delete(STAGES, {"stage_id": part}) for part in gone_stages]
    return writes


def _rows(outline: Outline) -> tuple[Rows, Rows, Rows]:
    stages: Rows = {}
    modules: Rows = {}
    concepts: Rows = {}
    known = outline.concept_ids()
    for stage_position, stage in enumerate(outline.stages):
        stages[stage.stage_id] = {"position": stage_position, "title": stage.title}
        for module_position, module in enumerate(stage.modules):
            modules[module.module_id] = {
                "stage_id": UUID(stage.stage_id),
                "position": module_position,
                "title": module.title,
            }
            for position, concept in enumerate(module.concepts):
                concepts[concept.concept_id] = {
                    "module_id": UUID(module.module_id),
                    "position": position,
                    **_concept(concept, known),
                }
    return stages, modules, concepts


def _concept(concept: ConceptNode, known: set[str]) -> dict[str, Any]:
    """Return a concept's own columns; prerequisites that name no concept stay in the outline."""
    return {
        "title": concept.title,
        "description": concept.description,
        "estimated_hours": concept.estimated_hours,
        "difficulty": concept.difficulty,
        "prerequisites": [UUID(p) for p in concept.prerequisites if p in known],
    }
