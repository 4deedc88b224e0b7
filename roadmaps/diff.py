"""What changed between two versions of an outline, as typed changes."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

_FIELDS = ("description", "estimated_hours", "difficulty", "prerequisites")


def diff(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare two outlines as they are stored (`outlines.outline`).

    Returns:
        Changes, each with `change` and what it concerns: `added`, `removed`, `renamed` (`from`,
        `to`), `moved` (`from_module`, `to_module` as titles, or positions in the same module) and
        `updated` (`field`, `from`, `to`); `part` is `concept`, `module` or `stage`.
    """
    changes: list[dict[str, Any]] = []
    for part in ("stage", "module"):
        changes += _parts(part, _titles(before, part), _titles(after, part))
    old, new = _concepts(before), _concepts(after)
    for key, concept in new.items():
        if key not in old:
            changes.append(_named("added", concept) | {"module": concept["module"]})
    for key, concept in old.items():
        if key not in new:
            changes.append(_named("removed", concept) | {"module": concept["module"]})
    moved = _moved(old, new)
    for key in old.keys() & new.keys():
        changes += _concept_changes(old[key], new[key], moved=key in moved)
    order = {key: n for n, key in enumerate([*new, *(k for k in old if k not in new)])}
    return sorted(changes, key=lambda c: order.get(str(c.get("concept_id")), -1))


def _named(change: str, concept: dict[str, Any]) -> dict[str, Any]:
    return {
        "change": change,
        "part": "concept",
        "concept_id": concept["concept_id"],
        "title": concept["title"],
    }


def _concept_changes(
    old: dict[str, Any], new: dict[str, Any], *, moved: bool
) -> list[dict[str, Any]]:
    changes = []
    if old["title"] != new["title"]:
        changes.append(_named("renamed", new) | {"from": old["title"], "to": new["title"]})
    if moved:
        changes.append(
            _named("moved", new) | {"from_module": old["module"], "to_module": new["module"]}
        )
    changes += [
        _named("updated", new) | {"field": field, "from": old[field], "to": new[field]}
        for field in _FIELDS
        if old[field] != new[field]
    ]
    return changes


def _concepts(outline: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the concepts in reading order, each with its module's title and id."""
    return {
        concept["concept_id"]: concept
        | {"module": module["title"], "module_id": module["module_id"]}
        for stage in outline["stages"]
        for module in stage["modules"]
        for concept in module["concepts"]
    }


def _moved(old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> set[str]:
    """Return what changed its module, or its place among those that stayed in the module.

    Of a reordered module only the fewest concepts count as moved that explain the new order.
    """
    moved = {
        key for key in old.keys() & new.keys() if old[key]["module_id"] != new[key]["module_id"]
    }
    stayed = (old.keys() & new.keys()) - moved
    orders = [_by_module(version, stayed) for version in (old, new)]
    for module, after in orders[1].items():
        moved |= set(after) - _longest_in_order(orders[0][module], after)
    return moved


def _by_module(version: dict[str, dict[str, Any]], keys: set[str]) -> dict[str, list[str]]:
    """Return some concepts in reading order, by the module they are in."""
    held: dict[str, list[str]] = {}
    for key, concept in version.items():
        if key in keys:
            held.setdefault(concept["module_id"], []).append(key)
    return held


def _longest_in_order(before: list[str], after: list[str]) -> set[str]:
    """Return the most keys that stand in the same order in both lists."""
    place = {key: number for number, key in enumerate(before)}
    ends: list[int] = []  # by length: the smallest last place of a rising sequence
    lengths = []
    for key in after:
        length = bisect_left(ends, place[key])
        ends[length : length + 1] = [place[key]]
        lengths.append(length)
    kept: set[str] = set()
    wanted = len(ends) - 1
    for key, length in zip(reversed(after), reversed(lengths), strict=True):
        if length == wanted:
            kept.add(key)
            wanted -= 1
    return kept


def _titles(outline: dict[str, Any], part: str) -> dict[str, str]:
    if part == "stage":
        return {stage["stage_id"]: stage["title"] for stage in outline["stages"]}
    return {
        module["module_id"]: module["title"]
        for stage in outline["stages"]
        for module in stage["modules"]
    }


def _parts(part: str, old: dict[str, str], new: dict[str, str]) -> list[dict[str, Any]]:
    key = f"{part}_id"
    changes = [
        {"change": "added", "part": part, key: i, "title": t}
        for i, t in new.items()
        if i not in old
    ]
    changes += [
        {"change": "removed", "part": part, key: i, "title": t}
        for i, t in old.items()
        if i not in new
    ]
    changes += [
        {"change": "renamed", "part": part, key: i, "title": t, "from": old[i], "to": t}
        for i, t in new.items()
        if i in old and old[i] != t
    ]
    return changes
