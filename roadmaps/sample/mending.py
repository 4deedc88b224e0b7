"""Mends what a check found in a structure: missing and circular prerequisites, names, hours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from roadmaps.outputs import EditOperation
from roadmaps.sample.library import fill, phrases

if TYPE_CHECKING:
    from roadmaps.inputs import Learner
    from roadmaps.sample.outline import Outline

_ABOUT_HOURS: Final = re.compile(
    r"(?i)hour|week|year|stunde|woche|jahr|hora|semana|heure|semaine|\u5c0f\u65f6|\u65f6\u957f|\u65f6\u95f4|\u5468"
)
_WEEKS: Final = 52
_LEAST_HOURS: Final = 0.5
_LONG_CONCEPT: Final = 40.0


def update(key: str, **changes: object) -> EditOperation:
    """Return an operation that changes the named fields of a concept and keeps the others."""
    return _operation("update", concept=key, **changes)


def operation_of(op: str, **fields: object) -> EditOperation:
    """Return an operation; fields that are not given are null."""
    return _operation(op, **fields)


def mend(outline: Outline, feedback: str, learner: Learner, language: str) -> list[EditOperation]:
    """Return operations after which the structure holds: it is looked at itself, not guessed at."""
    operations = [*_prerequisites(outline), *_names(outline, language)]
    if _ABOUT_HOURS.search(feedback) or not operations:
        operations += _fitting_hours(outline, learner)
    return operations


def scaled(outline: Outline, keys: list[str], factor: float) -> list[EditOperation]:
    """Return operations that multiply the hours of concepts, in half-hour steps."""
    operations = []
    for key in keys:
        hours = outline.concepts[key].hours
        new = min(200.0, max(_LEAST_HOURS, round(hours * factor * 2) / 2))
        if new != hours:
            operations.append(update(key, estimated_hours=new))
    return operations


def _operation(op: str, **fields: object) -> EditOperation:
    nothing = dict.fromkeys(EditOperation.model_fields)
    return EditOperation.model_validate({**nothing, "op": op, **fields})


def _prerequisites(outline: Outline) -> list[EditOperation]:
    kept = {key: _known(outline, key) for key in outline.concepts}
    _break_circles(kept)
    return [
        update(key, prerequisites=kept[key])
        for key, concept in outline.concepts.items()
        if list(concept.after) != kept[key]
    ]


def _known(outline: Outline, key: str) -> list[str]:
    after = dict.fromkeys(outline.concepts[key].after)
    return [name for name in after if name in outline.concepts and name != key]


def _break_circles(kept: dict[str, list[str]]) -> None:
    order = {key: place for place, key in enumerate(kept)}
    for key, names in kept.items():
        # An edge to a later concept is the one to drop when it closes a circle.
        for name in sorted(names, key=lambda n: -order[n]):
            if _reaches(kept, name, key):
                names.remove(name)


def _reaches(kept: dict[str, list[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        key = waiting.pop()
        if key == goal:
            return True
        if key not in seen:
            seen.add(key)
            waiting.extend(kept[key])
    return False


def _names(outline: Outline, language: str) -> list[EditOperation]:
    taken: set[str] = set()
    operations = []
    for concept in outline.concepts.values():
        title = concept.title
        part = 2
        while title.casefold() in taken:
            another = phrases(language).edit.another
            title = fill(another, title=concept.title[:180], part=part)
            part += 1
        taken.add(title.casefold())
        if title != concept.title:
            operations.append(update(concept.key, title=title))
    return operations


def _fitting_hours(outline: Outline, learner: Learner) -> list[EditOperation]:
    total = sum(concept.hours for concept in outline.concepts.values())
    year = _WEEKS * max(1, learner.hours_per_week)
    if total > year:
        return scaled(outline, list(outline.concepts), 0.9 * year / total)
    long = [key for key, concept in outline.concepts.items() if concept.hours > _LONG_CONCEPT]
    return [update(key, estimated_hours=_LONG_CONCEPT) for key in long]
