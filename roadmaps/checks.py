"""What can be said of a structure without a model: the deterministic checks."""

from __future__ import annotations

from collections import Counter
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final

from roadmaps.outputs import Issue

if TYPE_CHECKING:
    from roadmaps.outline import Outline

LONGEST_WEEKS: Final = 52
"""A roadmap that takes longer than a year of the learner's time will not be followed."""
LONGEST_CONCEPT_WEEKS: Final = 8
"""A concept that takes longer than this should be several."""


def check_structure(outline: Outline, *, hours_per_week: int) -> list[Issue]:
    """Return what is wrong: missing or circular prerequisites, empty parts, duplicate names, hours.

    Args:
        outline: The structure to look at.
        hours_per_week: The learner's time.
    """
    return [
        *_empty_parts(outline),
        *_duplicate_names(outline),
        *_missing_prerequisites(outline),
        *_circular_prerequisites(outline),
        *_hours(outline, hours_per_week),
    ]


def _error(message: str, suggestion: str) -> Issue:
    return Issue(severity="error", message=message, suggestion=suggestion)


def _empty_parts(outline: Outline) -> list[Issue]:
    issues = []
    if not any(True for _ in outline.concepts()):
        issues.append(_error("The roadmap has no concepts.", "Add concepts."))
    for stage in outline.stages:
        if not stage.modules:
            issues.append(
                _error(f"Stage '{stage.title}' is empty.", "Remove it or add modules to it.")
            )
        issues += [
            _error(f"Module '{module.title}' is empty.", "Remove it or add concepts to it.")
            for module in stage.modules
            if not module.concepts
        ]
    return issues


def _duplicate_names(outline: Outline) -> list[Issue]:
    names = Counter(concept.title.strip().casefold() for concept in outline.concepts())
    first = {concept.title.strip().casefold(): concept.title for concept in outline.concepts()}
    return [
        _error(
            f"{count} concepts are called '{first[name]}'.",
            "Rename or remove all but one of them.",
        )
        for name, count in names.items()
        if count > 1
    ]


def _missing_prerequisites(outline: Outline) -> list[Issue]:
    known = outline.concept_ids()
    return [
        _error(
            f"Concept '{concept.title}' requires '{wanted}', which is not in the roadmap.",
            f"Remove the prerequisite from '{concept.title}' or add that concept.",
        )
        for concept in outline.concepts()
        for wanted in concept.prerequisites
        if wanted not in known
    ]


def _circular_prerequisites(outline: Outline) -> list[Issue]:
    """Name one circle; what else goes in circles is found when that one is mended."""
    known = outline.concept_ids()
    # in lists, not sets: the same outline always gets the same answer
    wanted = {c.concept_id: [p for p in c.prerequisites if p in known] for c in outline.concepts()}
    try:
        TopologicalSorter(wanted).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][::-1]  # each one requires the next
    else:
        return []
    titles = {concept.concept_id: concept.title for concept in outline.concepts()}
    path = " → ".join(f"'{titles[key]}'" for key in cycle)
    return [
        _error(
            f"Prerequisites go in a circle: {path}.",
            f"Remove the prerequisite '{titles[cycle[1]]}' from '{titles[cycle[0]]}'.",
        )
    ]


def _hours(outline: Outline, hours_per_week: int) -> list[Issue]:
    total = sum(concept.estimated_hours for concept in outline.concepts())
    issues = []
    if total > hours_per_week * LONGEST_WEEKS:
        issues.append(
            _error(
                f"{total:.0f} hours are more than a year at {hours_per_week} hours a week.",
                f"Bring the total below {hours_per_week * LONGEST_WEEKS} hours.",
            )
        )
    issues += [
        _error(
            f"Concept '{concept.title}' takes {concept.estimated_hours:.0f} hours, more than"
            f" {LONGEST_CONCEPT_WEEKS} weeks at {hours_per_week} hours a week.",
            f"Lower its hours to {hours_per_week * LONGEST_CONCEPT_WEEKS} or split it.",
        )
        for concept in outline.concepts()
        if concept.estimated_hours > hours_per_week * LONGEST_CONCEPT_WEEKS
    ]
    return issues
