"""What is wrong with a structure, found without a model."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmaps.checks import check_structure
from roadmaps.outline import ConceptNode, ModuleNode, Outline, StageNode
from tests.factories import outline

if TYPE_CHECKING:
    from collections.abc import Sequence


def messages(checked: Outline, *, hours_per_week: int = 5) -> list[str]:
    """Return what the checks say; every one is an error with a suggestion."""
    issues = check_structure(checked, hours_per_week=hours_per_week)
    assert all(issue.severity == "error" and issue.suggestion for issue in issues)
    return [issue.message for issue in issues]


def graph(edges: Sequence[Sequence[int]]) -> Outline:
    """Return an outline whose nth concept requires the concepts `edges[n]`."""
    concepts = tuple(
        ConceptNode(
            concept_id=f"id-{n}",
            title=f"N{n}",
            description="",
            estimated_hours=1,
            difficulty="beginner",
            prerequisites=tuple(f"id-{m}" for m in wanted),
        )
        for n, wanted in enumerate(edges)
    )
    module = ModuleNode(module_id="m", title="M", concepts=concepts)
    stage = StageNode(stage_id="s", title="S", modules=(module,))
    return Outline(title="T", summary="", stages=(stage,))


def test_sound() -> None:
    """A sound structure has no issue."""
    sound = outline(["A", "B"], ["C"], prerequisites={"B": ["A"], "C": ["A", "B"]})
    assert messages(sound) == []


def test_no_concepts() -> None:
    """A roadmap without concepts is told, and so is each empty stage and module."""
    empty = Outline(title="T", summary="", stages=())
    assert messages(empty) == ["The roadmap has no concepts."]
    stages = (
        StageNode(stage_id="s", title="Void", modules=()),
        StageNode(
            stage_id="t",
            title="Half",
            modules=(ModuleNode(module_id="m", title="Hollow", concepts=()),),
        ),
    )
    said = messages(Outline(title="T", summary="", stages=stages))
    assert said == [
        "The roadmap has no concepts.",
        "Stage 'Void' is empty.",
        "Module 'Hollow' is empty.",
    ]


def test_duplicate_names() -> None:
    """Names that differ in case or blanks only are the same; each is told once."""
    once = outline(["Kites", "Gliders"], ["Balloons", "Wind"])
    names = {"Gliders": " kites ", "Balloons": "KITES"}
    text = once.model_dump_json()
    for title, other in names.items():
        text = text.replace(f'"title":"{title}"', f'"title":"{other}"')
    assert messages(Outline.model_validate_json(text)) == ["3 concepts are called 'KITES'."]


def test_missing_prerequisite() -> None:
    """A prerequisite that is not in the roadmap is told with its name."""
    (said,) = messages(outline(["A"], prerequisites={"A": ["Z"]}))
    assert said == "Concept 'A' requires 'Z', which is not in the roadmap."


@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_cycle(length: int) -> None:
    """A cycle is told as a path that comes back to where it began."""
    ring = graph([[(n + 1) % length] for n in range(length)])
    (said,) = messages(ring)
    names = said.removeprefix("Prerequisites go in a circle: ").removesuffix(".").split(" → ")
    assert len(names) == length + 1
    assert names[0] == names[-1]
    assert len(set(names)) == length


def test_cycle_beside_what_hangs_on_it() -> None:
    """What only requires a member of a cycle is not part of the path that is told."""
    (said,) = messages(graph([[1], [2], [1], [0], []]))
    assert "'N0'" not in said
    assert "'N3'" not in said


@st.composite
def dags(draw: st.DrawFn, smallest: int = 1) -> list[list[int]]:
    """Draw prerequisites that only point backwards in some order."""
    size = draw(st.integers(smallest, 12))
    order = draw(st.permutations(range(size)))
    edges: list[list[int]] = [[] for _ in range(size)]
    for place, node in enumerate(order):
        if place:
            edges[node] = draw(st.lists(st.sampled_from(order[:place]), unique=True, max_size=4))
    return edges


@given(dags())
def test_no_cycle(edges: list[list[int]]) -> None:
    """Prerequisites that have an order never give an issue."""
    assert messages(graph(edges)) == []


@given(dags(smallest=2), st.data())
def test_back_edge(edges: list[list[int]], data: st.DataObject) -> None:
    """One edge back along any path always gives exactly one true cycle."""
    start = node = data.draw(st.integers(0, len(edges) - 1))
    for _ in range(data.draw(st.integers(0, 5))):
        node = data.draw(st.sampled_from(edges[node])) if edges[node] else node
    edges[node].append(start)
    (said,) = messages(graph(edges))
    path = [int(part.strip(" 'N.")) for part in said.split(": ")[1].split(" → ")]
    assert path[0] == path[-1]
    assert all(after in edges[before] for before, after in itertools.pairwise(path))


def test_hours() -> None:
    """More than a year in all, or eight weeks for one concept, is too much for the learner."""
    fits = outline(["A", "B"], hours=8)
    assert messages(fits, hours_per_week=1) == []
    assert messages(outline(["A"], hours=8.5), hours_per_week=1) == [
        "Concept 'A' takes 8 hours, more than 8 weeks at 1 hours a week."
    ]
    long = outline([f"C{n}" for n in range(14)], hours=4)
    assert messages(long, hours_per_week=1) == ["56 hours are more than a year at 1 hours a week."]
    assert messages(long, hours_per_week=2) == []
