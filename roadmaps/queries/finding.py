"""Finds words in what was written of a roadmap: the texts that its concepts are read in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from core.states import ContentStatus
from db.session import read_session
from roadmaps.kinds import KINDS
from roadmaps.queries.roadmaps import visible_roadmap
from roadmaps.queries.shapes import FoundText, FoundTexts

if TYPE_CHECKING:
    from uuid import UUID

    from core.actor import Actor

MOST: Final = 200
_AROUND: Final = 70
"""Letters before the words, and twice as many behind."""
_SIGNS: Final = re.compile(r"[*_`#>|]+|\[([^\]]*)\]\([^)]*\)")
"""Marks of Markdown, which nobody reads."""
_SPACE: Final = re.compile(r"\s+")
_FIND: Final = text(
    """
    WITH newest AS (
        SELECT DISTINCT ON (concept_id, kind) concept_id, kind, body ->> :field AS text
        FROM parts JOIN concepts USING (concept_id)
        WHERE parts.roadmap_id = :roadmap_id AND kind = :kind AND status = :completed
            AND NOT removed
        ORDER BY concept_id, kind, version DESC
    ), found AS (
        SELECT concept_id, kind, text, strpos(lower(text), lower(:words)) AS at FROM newest
    )
    SELECT concept_id, kind, substr(text, greatest(1, at - :around), 3 * :around) AS piece,
        at > :around + 1 AS later, length(text) >= at + 2 * :around AS longer
    FROM found WHERE at > 0 LIMIT :most
    """
)


async def find_texts(roadmap_id: UUID, words: str, *, actor: Actor) -> FoundTexts:
    """Return where words stand, once for each text, in no order; upper case does not count.

    Only what is read as a text is looked through: a quiz would give its answers away.

    Raises:
        NotFoundError: There is no such roadmap for this actor.
    """
    found = []
    async with read_session() as session:
        await visible_roadmap(session, roadmap_id, actor)
        for kind in KINDS.values():
            if kind.text is None or not words:
                continue
            values = {
                "roadmap_id": roadmap_id,
                "kind": kind.name,
                "field": kind.text,
                "completed": str(ContentStatus.COMPLETED),
                "words": words,
                "around": _AROUND,
                "most": MOST,
            }
            rows = await session.execute(_FIND, values)
            found += [
                FoundText(
                    concept_id=row.concept_id,
                    kind=row.kind,
                    excerpt=f"{'… ' * row.later}{excerpt(row.piece, words)}{' …' * row.longer}",
                )
                for row in rows
            ]
    return FoundTexts(found=found[:MOST])


def excerpt(piece: str, words: str) -> str:
    """Return a piece of Markdown as one plain line of whole words that has the words in it.

    When the words stand in signs or across lines, the line is the piece as it is.
    """
    plain = _SPACE.sub(" ", _SIGNS.sub(r"\1", piece)).strip()
    at = plain.lower().find(words.lower())
    if at < 0:
        return plain
    first = plain.find(" ", 0, at) + 1
    last = plain.rfind(" ", at + len(words))
    return plain[first : last if last > 0 else None]
