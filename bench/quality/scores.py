"""Scores of a roadmap's structure, each from 0 (bad) to 1 (good), by rules alone.

They say nothing about truth or style; they say whether a change of a prompt made structures
better or worse, on the same goals.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final

from roadmaps.checks import LONGEST_WEEKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roadmaps.outline import ConceptNode, Outline
    from roadmaps.outputs import IntentAnalysis

NAMES: Final = (
    "coverage",
    "hours",
    "order",
    "distinct",
    "rising",
    "balance",
    "described",
    "language",
)
ALIKE: Final = 0.75
"""Share of words that two titles have in common from which on they count as doubles."""
_LEVELS: Final = ("beginner", "intermediate", "advanced")
_SIZES: Final = range(2, 7)
_DESCRIBED: Final = 40
_STOP: Final = frozenset(
    "a an and the of to for in on with your my how der die das und für mit den dem ein eine zu el"  # noqa: SIM905 - reads better
    " la los las de del y para con un una en le les des et pour avec une au aux".split()
)
_HAN: Final = re.compile("[\u4e00-\u9fff]")


def scores(
    outline: Outline, intent: IntentAnalysis, *, language: str, hours_per_week: int
) -> dict[str, float]:
    """Return the scores by name, in the order of `NAMES`."""
    concepts = list(outline.concepts())
    values = (
        coverage(concepts, [*intent.focus_areas, *intent.skills]),
        hours(concepts, hours_per_week),
        order(concepts),
        distinct([concept.title for concept in concepts]),
        rising(concepts),
        _share(len(module.concepts) in _SIZES for module in outline.modules()),
        _share(len(concept.description) >= described_at(language) for concept in concepts),
        in_language([concept.title + concept.description for concept in concepts], language),
    )
    return dict(zip(NAMES, (round(value, 3) for value in values), strict=True))


def coverage(concepts: list[ConceptNode], wanted: list[str]) -> float:
    """Return how many of the wanted areas and skills share words with what is taught."""
    taught = set().union(*(words(c.title + " " + c.description) for c in concepts))
    asked = [found for area in wanted if (found := words(area))]
    return _share(bool(found & taught) for found in asked)


def hours(concepts: list[ConceptNode], hours_per_week: int) -> float:
    """Return 1 when the whole takes half a year or less, falling to 0 at twice a year."""
    weeks = sum(concept.estimated_hours for concept in concepts) / hours_per_week
    half = LONGEST_WEEKS / 2
    return min(1.0, max(0.0, 1 - (weeks - half) / (1.5 * LONGEST_WEEKS)))


def order(concepts: list[ConceptNode]) -> float:
    """Return how many prerequisites name a concept that comes earlier."""
    seen: set[str] = set()
    good = total = 0
    for concept in concepts:
        total += len(concept.prerequisites)
        good += sum(wanted in seen for wanted in concept.prerequisites)
        seen.add(concept.concept_id)
    return good / total if total else 1.0


def distinct(titles: list[str]) -> float:
    """Return how many concepts have a title that no other one nearly has."""
    doubled = set()
    for one, two in combinations(range(len(titles)), 2):
        left, right = words(titles[one]), words(titles[two])
        if left and right and len(left & right) / len(left | right) >= ALIKE:
            doubled.add(two)
    return 1 - len(doubled) / len(titles) if titles else 0.0


def rising(concepts: list[ConceptNode]) -> float:
    """Return how many steps from a concept to the next do not fall in difficulty."""
    levels = [_LEVELS.index(concept.difficulty) for concept in concepts]
    return _share(one <= two for one, two in pairwise(levels))


def in_language(texts: list[str], language: str) -> float:
    """Return how many texts are in the script of the language, as far as the script tells."""
    chinese = language.split("-", maxsplit=1)[0] == "zh"
    return _share(bool(_HAN.search(text)) == chinese for text in texts)


def described_at(language: str) -> int:
    """Return from how many characters on a description says something; Chinese needs fewer."""
    return _DESCRIBED // 3 if language.split("-", maxsplit=1)[0] == "zh" else _DESCRIBED


def words(text: str) -> set[str]:
    """Return what a text is about: word stems, and pairs of Chinese characters."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    han = "".join(_HAN.findall(plain))
    pairs = {one + two for one, two in pairwise(han)}
    stems = {word[:6] for word in re.findall(r"[a-z0-9+#]{3,}", plain) if word not in _STOP}
    return stems | pairs


def _share(facts: Iterable[bool]) -> float:
    known = list(facts)
    return sum(known) / len(known) if known else 1.0
