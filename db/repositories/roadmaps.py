"""Reads of what the work on a roadmap goes on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from db.models import Outline, Roadmap

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession


async def roadmap_of(session: AsyncSession, task_id: UUID) -> Roadmap | None:
    """Return the task's roadmap, if it was designed already."""
    return (await session.scalars(select(Roadmap).where(Roadmap.task_id == task_id))).one_or_none()


async def outline(session: AsyncSession, roadmap_id: UUID, version: int) -> dict[str, Any] | None:
    """Return one version's structure as it was stored."""
    row = await session.get(Outline, (roadmap_id, version))
    return None if row is None else row.outline
