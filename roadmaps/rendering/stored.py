"""The stored HTML of tutorials: made when one is first read, and anew when it is old.

Rendering takes as much of a processor as all else that a tutorial needs, and many are never read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from core.logging import get_logger
from core.loop_local import LoopLocal
from db.models import Rendering
from db.session import transaction
from roadmaps.rendering.renderer import render

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Table

log = get_logger(__name__)

RENDERINGS: Final = cast("Table", Rendering.__table__)


async def html_of(content_id: UUID, markdown: str) -> str:
    """Render a content that has no rendering by this version, once for all who wait for it."""
    waiting = _under_way.get()
    task = waiting.get(content_id)
    if task is None:
        task = waiting[content_id] = asyncio.ensure_future(_made(content_id, markdown))
        task.add_done_callback(lambda _: waiting.pop(content_id, None))
    return await asyncio.shield(task)


_under_way: Final[LoopLocal[dict[UUID, asyncio.Task[str]]]] = LoopLocal(dict)


async def _made(content_id: UUID, markdown: str) -> str:
    rendered = await render(markdown)
    if rendered.version is not None:
        statement = insert(RENDERINGS).values(
            content_id=content_id, renderer=rendered.version, html=rendered.html
        )
        newer = statement.on_conflict_do_update(
            index_elements=[RENDERINGS.c.content_id],
            set_={"renderer": statement.excluded.renderer, "html": statement.excluded.html},
            where=RENDERINGS.c.renderer < statement.excluded.renderer,
        )
        try:
            async with transaction() as tx:
                await tx.session.execute(newer)
        except (SQLAlchemyError, OSError) as error:  # it can be read all the same
            log.warning("rendering_write_failed", error=type(error).__name__)
    return rendered.html
