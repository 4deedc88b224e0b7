"""A roadmap's tree as JSON, put together where its rows are.

A tree of thousands of concepts has tens of thousands of values. The database writes them as text,
module by module, so that the loop that serves everybody only joins the modules' texts.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import text

from core.states import ContentStatus
from roadmaps.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.models import Roadmap

_NOT_BEGUN: Final = (
    f'{{"status":"{ContentStatus.PENDING}","version":null,"error":null,"usage":null}}'
)
_HEADS: Final = [f'"{kind}":' for kind in KINDS]
# What stands between quotes as it is, is an id, or a constraint allows only plain words there.
_STATE: Final = """
    '{"status":"' || status || '","version":' || version || ',"error":' || CASE
        WHEN error IS NULL THEN 'null'
        ELSE json_build_object(
            'code', coalesce(error->>'code', 'internal_error'),
            'message', coalesce(error->>'message', ''))::text
    END || ',"usage":' || CASE
        WHEN calls = 0 THEN 'null'
        ELSE '{"calls":' || calls || ',"tokens":' || tokens
            || ',"prompt_tokens":' || prompt_tokens
            || ',"completion_tokens":' || completion_tokens
            || ',"cost":' || coalesce(round(cost, 6)::text, 'null') || '}'
    END || '}'
"""
_CONTENTS: Final = " || ',' || ".join(
    f":head_{number} || coalesce(max(state) FILTER (WHERE kind = :kind_{number}), :none)"
    for number, _ in enumerate(KINDS)
)
_CONCEPT: Final = """
    '{"concept_id":"' || concept_id || '","title":' || to_json(title)::text
    || ',"description":' || to_json(description)::text
    || ',"estimated_hours":' || estimated_hours || ',"difficulty":"' || difficulty
    || '","prerequisites":' || array_to_json(prerequisites)::text
    || ',"contents":{' || coalesce(contents, :all_none) || '}}'
"""
# A roadmap that is being written is new to the planner, who takes it for one of a few rows. A full
# join cannot be done row by row all the same, which takes seconds for thousands of concepts; what
# it has beyond the concepts that are shown is a module of its own, which is none.
_TREE: Final = text(
    rf"""
    WITH newest AS (
        SELECT DISTINCT ON (concept_id, kind) concept_id, kind, {_STATE} AS state
        FROM parts WHERE roadmap_id = :roadmap_id
        ORDER BY concept_id, kind, version DESC
    ), states AS (
        SELECT concept_id, {_CONTENTS} AS contents FROM newest GROUP BY concept_id
    ), shown AS MATERIALIZED (
        SELECT concept_id, module_id, position, title, description, estimated_hours, difficulty,
            prerequisites
        FROM concepts WHERE roadmap_id = :roadmap_id AND NOT removed
    ), lists AS MATERIALIZED (
        SELECT module_id, string_agg({_CONCEPT}, ',' ORDER BY position) AS concepts
        FROM shown FULL JOIN states USING (concept_id) GROUP BY module_id
    )
    SELECT stage_id, stages.title AS stage, module_id, modules.title AS module, concepts
    FROM stages LEFT JOIN modules USING (stage_id) LEFT JOIN lists USING (module_id)
    WHERE roadmap_id = :roadmap_id
    ORDER BY stages.position, stage_id, modules.position
    """  # noqa: S608 - constants
)
_PARAMETERS: Final = {
    **{f"kind_{number}": kind for number, kind in enumerate(KINDS)},
    **{f"head_{number}": head for number, head in enumerate(_HEADS)},
    "none": _NOT_BEGUN,
    "all_none": ",".join(head + _NOT_BEGUN for head in _HEADS),
}


async def tree(session: AsyncSession, roadmap: Roadmap) -> bytes:
    """Return the visible tree of a roadmap, a `RoadmapView` as JSON."""
    rows = await session.execute(_TREE, {**_PARAMETERS, "roadmap_id": roadmap.roadmap_id})
    return orjson.dumps(
        {
            "roadmap_id": roadmap.roadmap_id,
            "task_id": roadmap.task_id,
            "title": roadmap.title,
            "summary": roadmap.summary,
            "language": roadmap.language,
            "version": roadmap.version,
            "kinds": [
                {"name": kind.name, "label": kind.label, "text": kind.text}
                for kind in KINDS.values()
            ],
            "stages": list(_stages(rows)),
        },
        default=str,  # the driver's ids are a class of its own
    )


def _stages(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for (stage_id, title), modules in groupby(rows, lambda row: (row.stage_id, row.stage)):
        yield {
            "stage_id": stage_id,
            "title": title,
            "modules": [_module(row) for row in modules if row.module_id is not None],
        }


def _module(row: Any) -> dict[str, Any]:
    concepts = orjson.Fragment(f"[{row.concepts or ''}]")
    return {"module_id": row.module_id, "title": row.module, "concepts": concepts}
