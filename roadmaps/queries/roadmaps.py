"""Who may see which roadmap; single concepts with their contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from core.errors import NotFoundError, readable_error
from core.settings import get_settings
from core.states import ContentStatus
from core.usage import COLUMNS
from db.models import Concept, Part, Rendering, Roadmap, RoadmapTask
from db.session import read_session
from roadmaps.kinds import KINDS
from roadmaps.queries.shapes import Concept as ConceptPage
from roadmaps.queries.tree import tree
from roadmaps.rendering.pictures import with_pictures
from roadmaps.rendering.rules import VERSION
from roadmaps.rendering.stored import html_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor

_STATE = [getattr(Part, name) for name in ("kind", "version", "status", "error", *COLUMNS)]
_NOT_BEGUN = {"status": ContentStatus.PENDING, "version": None, "error": None, "usage": None}


async def get_roadmap(roadmap_id: UUID, *, actor: Actor) -> bytes:
    """Return a roadmap's tree with the state of each content, a `RoadmapView` as JSON.

    Raises:
        NotFoundError: There is none, or it belongs to somebody else.
    """
    async with read_session() as session:
        return await tree(session, await visible_roadmap(session, roadmap_id, actor))


async def get_concept(roadmap_id: UUID, concept_id: UUID, *, actor: Actor) -> ConceptPage:
    """Return a concept with the newest completed version of each of its contents.

    Raises:
        NotFoundError: There is none in this roadmap, or it belongs to somebody else.
    """
    async with read_session() as session:
        concept = await visible_concept(session, roadmap_id, concept_id, actor)
        # read before the contents: what comes meanwhile is told by events that are newer
        task = (
            await session.execute(
                select(RoadmapTask.status, RoadmapTask.last_seq)
                .join(Roadmap, Roadmap.task_id == RoadmapTask.task_id)
                .where(Roadmap.roadmap_id == roadmap_id)
            )
        ).one()
        own = await _states(session, concept_id)
        statement = (
            select(
                Part.kind,
                Part.version,
                Part.body,
                Part.content_id,
                Rendering.renderer,
                Rendering.html,
            )
            .outerjoin(Rendering, Rendering.content_id == Part.content_id)
            .where(Part.concept_id == concept_id, Part.status == str(ContentStatus.COMPLETED))
            .ext(distinct_on(Part.kind))
            .order_by(Part.kind, Part.version.desc())
        )
        newest = (await session.execute(statement)).all()
    known = [row for row in newest if row.kind in KINDS]
    page = {
        **_concept(concept, own),
        "roadmap_id": roadmap_id,
        "task_status": task.status,
        "last_seq": task.last_seq,
        **dict.fromkeys(KINDS),
        **{row.kind: await _shown(row) for row in known},
        "versions": {row.kind: row.version for row in known},
        "usage": {kind: own[kind]["usage"] for kind in KINDS if own.get(kind, {}).get("usage")},
    }
    try:
        return ConceptPage.model_validate(page)
    except ValidationError as error:
        unreadable = {each["loc"][0] for each in error.errors()} & KINDS.keys()
        return ConceptPage.model_validate(page | dict.fromkeys(unreadable))


async def _shown(row: Any) -> Any:
    """Return a content as its kind shows it; None when somebody has broken what is stored."""
    kind = KINDS[row.kind]
    if not isinstance(row.body, dict):
        return None
    html = None if kind.text is None else await _html(row, kind.text)
    try:
        return kind.show(row.body, version=row.version, html=html)
    except (AttributeError, KeyError, TypeError, ValueError):  # the audit tells of it
        return None


async def _html(row: Any, text: str) -> str:
    """Return a text's HTML: the stored one, or a new one by a newer renderer; with pictures."""
    if row.html is not None and row.renderer >= VERSION:
        html = str(row.html)
    else:
        html = await html_of(row.content_id, str(row.body.get(text, "")))
    return with_pictures(html, get_settings().image_hosts)


async def visible_concept(
    session: AsyncSession, roadmap_id: UUID, concept_id: UUID, actor: Actor
) -> Concept:
    """Return a concept of a roadmap.

    Raises:
        NotFoundError: There is none in this roadmap, or it belongs to somebody else.
    """
    await visible_roadmap(session, roadmap_id, actor)
    concept = await session.get(Concept, concept_id)
    if concept is None or concept.roadmap_id != roadmap_id or concept.removed:
        raise NotFoundError(f"There is no concept {concept_id} in this roadmap.")
    return concept


async def visible_roadmap(session: AsyncSession, roadmap_id: UUID, actor: Actor) -> Roadmap:
    """Return a roadmap.

    Raises:
        NotFoundError: There is none, or it belongs to somebody else.
    """
    roadmap = await session.get(Roadmap, roadmap_id)
    if roadmap is None or not actor.may_see(roadmap.user_id):
        raise NotFoundError(f"There is no roadmap {roadmap_id}.")
    return roadmap


async def _states(session: AsyncSession, concept_id: UUID) -> dict[str, dict[str, Any]]:
    """Return the state of the newest version of each content, without reading any body."""
    statement = (
        select(*_STATE)
        .where(Part.concept_id == concept_id)
        .ext(distinct_on(Part.kind))
        .order_by(Part.kind, Part.version.desc())
    )
    return {row.kind: _state(row) for row in await session.execute(statement)}


def _state(row: Any) -> dict[str, Any]:
    _kind, version, status, error, calls, tokens, asked, answered, cost = row
    return {
        "status": status,
        "version": version,
        "error": None
        if error is None
        else {name: readable_error(error)[name] for name in ("code", "message")},
        "usage": {
            "calls": calls,
            "tokens": tokens,
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "cost": None if cost is None else round(float(cost), 6),
        }
        if calls
        else None,
    }


def _concept(concept: Any, states: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "concept_id": concept.concept_id,
        "title": concept.title,
        "description": concept.description,
        "estimated_hours": concept.estimated_hours,
        "difficulty": concept.difficulty,
        "prerequisites": concept.prerequisites,
        "contents": {kind: states.get(kind, _NOT_BEGUN) for kind in KINDS},
    }
