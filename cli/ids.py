"""Ids as people handle them: whole, or by an end of eight characters or more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from cli.console import speaks_unicode
from cli.exits import usage
from cli.titles import title_of
from core.visible import cut, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAST: Final = 8
"""Ids of one minute begin alike; eight characters of their ends are 32 random bits."""
_PART: Final = re.compile(rf"[0-9a-f-]{{{LEAST},36}}")
_SIGNS: Final = "….?"
_GOAL_SHOWN: Final = 40
MOST_CANDIDATES: Final = 10


def short_forms(ids: Iterable[str]) -> dict[str, str]:
    """Return each id's end that tells it from the others, with a sign that more stands before."""
    known = sorted(set(ids))
    sign = "…" if speaks_unicode() else "..."
    length = LEAST
    while len({one[-length:] for one in known}) < len(known):
        length += 1
    return {one: sign + one[-length:] if len(one) > length + len(sign) else one for one in known}


def whole_id(given: str) -> str | None:
    """Return an id that needs no completion as we write it, however it was given; else None."""
    try:
        return str(UUID(given.strip()))
    except ValueError:
        return None


def part_of_id(given: str) -> str:
    """Return what was given of an id, ready to be looked for.

    Raises:
        CommandError: It cannot be a part of one, or is too short to name one.
    """
    part = given.strip().strip(_SIGNS).lower()
    if _PART.fullmatch(part) is None:
        raise usage(
            f"There is no such task: '{one_line(given)}' is no id. Give it whole, or {LEAST} or"
            " more characters of its end or its beginning, as `roadmap list` shows them."
        )
    return part


def only_one(found: Sequence[dict[str, Any]], *, part: str, more: bool) -> str:
    """Return the id of the one task that was found by a part of its id.

    Raises:
        CommandError: There is none, or there are several; the message lists them.
    """
    if not found:
        raise usage(
            f"There is no such task, or it belongs to somebody else: no id begins or ends with"
            f" {part}."
        )
    if len(found) == 1 and not more:
        return str(found[0]["task_id"])
    several = "".join(
        f"\n  {task['task_id']}  {task['status']}  {cut(one_line(title_of(task)), _GOAL_SHOWN)}"
        for task in found[:MOST_CANDIDATES]
    )
    rest = "\n  …" if more or len(found) > MOST_CANDIDATES else ""
    raise usage(
        f"Several ids begin or end with {part}; give more of the one you mean:{several}{rest}"
    )
